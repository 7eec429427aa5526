#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "dataplane/cloud/changes.h"
#include "dataplane/cloud/document.h"

namespace novaplane::daemon {

/// The document of the text, where it names the host: one that does not would take everything away.
/// Else its mistakes, in sentences.
tl::expected<cloud::Cloud, std::vector<std::string>> parse_for(const std::string& host,
                                                               const std::string& text,
                                                               const std::string& path);

/// The document on disk. Reading it again without a change costs nothing but the reading.
class DocumentFile {
 public:
  /// `host`: the document has to name it, for one that does not would take everything away.
  DocumentFile(std::string path, std::string host)
      : path_(std::move(path)), host_(std::move(host)) {}

  struct Unchanged {};
  struct Broken {
    std::vector<std::string> mistakes;  ///< "cloud.yaml:12:5: ..."; never empty
    std::string summary() const;        ///< one line
  };
  /// An edit of what is in force.
  using Reading = std::variant<Unchanged, cloud::Edit, Broken>;

  Reading read(cloud::SharedCloud in_force = {});

  /// The two halves of it: the first is a value that may be called by any thread, for reading,
  /// parsing and comparing take long. One at a time.
  struct Attempt;
  std::function<Attempt()> attempt(cloud::SharedCloud in_force) const;
  Reading take(Attempt attempt);
  /// The next reading is not Unchanged.
  void forget() { hash_.reset(); }
  /// Whether the file may be another one than that last read, by its inode, size and time.
  bool looks_changed() const;

  const std::string& path() const { return path_; }
  /// As last read; empty: not read yet. Taken, it is gone.
  std::string take_text() { return std::exchange(text_, {}); }
  /// Why the file as last read is not in force; empty: it is.
  const std::string& error() const { return error_; }

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  static std::optional<Stamp> stamp_of(const std::string& path);  ///< none: no such file

  std::string path_, host_, error_, text_;
  std::optional<Stamp> stamp_;
  std::optional<std::size_t> hash_;  ///< of the text last read
};

/// What the file said.
struct DocumentFile::Attempt {
  std::optional<Stamp> stamp;
  std::optional<std::size_t> hash;  ///< none: it could not be read
  std::string text;
  Reading reading;
};

}  // namespace novaplane::daemon
