#pragma once

#include <sys/types.h>

#include <string>

#include "dataplane/base/error.h"
#include "dataplane/daemon/access.h"

namespace novaplane::daemon {

/// The control socket as a file: who may connect. Root alone at first, and as long as there are no
/// groups that may.
class ControlFile {
 public:
  /// Not there yet. ENAMETOOLONG: no socket can have that path.
  static Result<ControlFile> of(const std::string& run_dir);

  const std::string& path() const { return path_; }
  /// Removes what nobody answers at. EADDRINUSE: another daemon does.
  Result<void> clear_the_way() const;
  /// Binds the socket (an AF_UNIX one) there, for root alone.
  Result<void> bind(int socket);
  /// Of the group of writers, and open to that of viewers by an access control list (acl(5)), so
  /// that one path serves all. EOPNOTSUPP: its file system has none; writers may connect all the
  /// same.
  Result<void> admit(const GroupIds& groups) const;
  void remove() const;

 private:
  ControlFile(std::string run_dir, std::string path)
      : run_dir_(std::move(run_dir)), path_(std::move(path)) {}

  std::string run_dir_, path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace novaplane::daemon
