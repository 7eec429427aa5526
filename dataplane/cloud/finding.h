#pragma once

#include <string>
#include <vector>

#include "dataplane/cloud/events.h"

namespace novaplane::cloud {

/// The way to a value: {"ports", "web1", "address"}. Elements of lists are {"[0]"}.
using Path = std::vector<std::string>;

std::string to_string(const Path&);  ///< "ports.web1.address", "no_snat[0]"

/// Something wrong with the value at a path. Its place is looked for only when there is something
/// to say: a valid document is read once, and no positions are kept.
struct Finding {
  Path path;
  std::string kind;
  std::string sentence;
  Place place;          ///< none: locate() finds it
  bool at_key = false;  ///< about the key of the value, not the value
};

/// Collects findings, up to a number that still helps.
class Findings {
 public:
  static constexpr std::size_t kMost = 100;

  void add(Finding finding);
  void add(Path path, std::string kind, std::string sentence);
  void add_at_key(Path path, std::string kind, std::string sentence);
  /// Something is absent: left out when a sibling could not be read, which may be the reason.
  void add_missing(Path path, std::string sentence);

  /// Whether something is wrong with that value, or in it.
  bool has(const Path& path) const;

  bool empty() const { return findings_.empty(); }
  bool full() const { return findings_.size() >= kMost; }
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  std::vector<Finding> findings_;
};

/// Fills in the missing places by going through the text once more; what is not written (a missing
/// key) is placed at the object that lacks it.
void locate(const std::string& text, std::vector<Finding>& findings);

}  // namespace novaplane::cloud
