#include "dataplane/daemon/accounts.h"

#include <grp.h>
#include <pwd.h>

namespace novaplane::daemon {
namespace {

// Nobody else in the process asks: the C library's own buffers will do.

std::optional<gid_t> id_of(const char* name) {
  const group* found = ::getgrnam(name);
  return found ? std::optional(found->gr_gid) : std::nullopt;
}

std::string name_of(uid_t user) {
  const passwd* found = ::getpwuid(user);
  return found ? std::string(found->pw_name) : std::to_string(user);
}

}  // namespace

void Accounts::find_groups(std::function<void(const GroupIds&)> then) {
  worker_.run(
      "find groups",
      [] {
        return GroupIds{id_of(kWriters), id_of(kViewers)};
      },
      [then = std::move(then)](const Result<GroupIds>& ids) {
        if (ids) then(*ids);
      });
}

void Accounts::find_name(uid_t user, std::function<void(const std::string&)> then) {
  worker_.run(
      "find a user", [user] { return name_of(user); },
      [user, then = std::move(then)](const Result<std::string>& name) {
        then(name ? *name : std::to_string(user));
      });
}

}  // namespace novaplane::daemon
