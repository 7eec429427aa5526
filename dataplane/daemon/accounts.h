#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "dataplane/daemon/access.h"
#include "dataplane/daemon/worker.h"

namespace novaplane::daemon {

/// Users and groups of this host, as nsswitch.conf(5) has them looked up: in files, or over a
/// network that this daemon may have to bring up first. So a worker waits for it.
class Accounts {
 public:
  explicit Accounts(Loop& loop) : worker_(loop, "np-accounts") {}

  // `then` is called by the loop.
  void find_groups(std::function<void(const GroupIds&)> then);
  /// The number, where the user has no name.
  void find_name(uid_t user, std::function<void(const std::string&)> then);

 private:
  Worker worker_;
};

}  // namespace novaplane::daemon
