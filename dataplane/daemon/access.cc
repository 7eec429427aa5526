#include "dataplane/daemon/access.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/api/target.h"
#include "dataplane/base/printable.h"

namespace novaplane::daemon {
namespace {

using Path = std::vector<std::string>;

/// Without percents, since whoever answers a target reads it so: a name that is written otherwise
/// is no other name. None: nobody understands it, and nobody will answer it.
std::optional<Path> path_of(std::string_view target) {
  auto parsed = api::parse_target(target);
  if (!parsed) return std::nullopt;
  return std::move(parsed->path);
}

/// What makes root read or write a file that the client chooses (`backup`), and what comes in files
/// of the run directory, which is root's (`trial`). Of the requests about the store as a whole only
/// those are others' that are named here.
bool is_roots(const Path& path) {
  const bool is_of_store = path.size() >= 2 && path[0] == "v1" && path[1] == "store";
  if (is_of_store) return path != Path{"v1", "store", "accept"};
  return !path.empty() && path[0] == "trial";
}

Role needed_for(std::string_view method, std::string_view target) {
  if (method == "GET" || method == "HEAD") return Role::view;
  const auto path = path_of(target);
  return path && is_roots(*path) ? Role::root : Role::write;
}

std::string members_of(Role role, bool is_remote) {
  const auto one = [is_remote](const char* name) {
    return is_remote ? fmt::format("a certificate with O={}", name)
                     : fmt::format("a member of the group {}", name);
  };
  std::string who = is_remote ? "" : "root or ";
  if (role == Role::view) who += one(kViewers) + " or ";
  return who + one(kWriters);
}

}  // namespace

Role role_of(uid_t user, gid_t group, std::span<const gid_t> groups, const GroupIds& ids) {
  const auto is_member = [&](const std::optional<gid_t>& id) {
    return id && (group == *id || std::ranges::find(groups, *id) != groups.end());
  };
  if (user == 0) return Role::root;
  if (is_member(ids.writers)) return Role::write;
  return is_member(ids.viewers) ? Role::view : Role::none;
}

Role role_of(std::span<const std::string> organisations) {
  const auto has = [&](const char* name) {
    return std::ranges::find(organisations, name) != organisations.end();
  };
  if (has(kWriters)) return Role::write;
  return has(kViewers) ? Role::view : Role::none;
}

std::string denial_of(const Caller& caller, std::string_view method, std::string_view target) {
  const Role needed = needed_for(method, target);
  if (caller.role >= needed) return {};
  const std::string what = printable(fmt::format("{} {}", method, target));
  const std::string who = printable(caller.name);
  if (needed == Role::root) {
    return fmt::format("{} may not {}: only root of this host may, at its control socket", who,
                       what);
  }
  return fmt::format("{} may not {}: {} may", who, what, members_of(needed, caller.is_remote));
}

}  // namespace novaplane::daemon
