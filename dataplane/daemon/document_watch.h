#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"
#include "dataplane/daemon/loop.h"

namespace novaplane::daemon {

/// A place on a path where another file can come to stand: the file itself, each symbolic link on
/// the way, and, where the path ends early, what is missing.
struct Hop {
  std::string directory, name;
  auto operator<=>(const Hop&) const = default;
};

/// The places that decide what `path` (absolute) is. Follows links as the kernel does.
std::vector<Hop> hops_of(const std::string& path);

/// Tells when the file at a path may have changed: written and closed, replaced by rename, or
/// reached by a link that was switched. Several changes in a row are told once. A file that is
/// being written is left alone until it is closed.
class DocumentWatch {
 public:
  static constexpr std::chrono::milliseconds kCalm{50};

  DocumentWatch(Loop& loop, std::string path, Loop::Task on_change);

  /// Before the first reading of the file.
  Result<void> start();

 private:
  void arm();
  void process_events();
  bool concerns(int descriptor, std::uint32_t mask, const std::string& name) const;

  std::string path_;
  Loop::Task on_change_;
  Loop& loop_;
  Fd inotify_;
  std::unique_ptr<Watch> watch_;
  Timer calm_;
  struct Directory {
    std::string path;
    std::set<std::string> names;
  };
  std::map<int, Directory> directories_;  ///< by watch descriptor
};

}  // namespace novaplane::daemon
