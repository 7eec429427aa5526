#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// Who may ask novaplaned for what: the same over the control socket and over TLS.
namespace novaplane::daemon {

constexpr const char* kWriters = "novaplane";       ///< group of this host, or O of a certificate
constexpr const char* kViewers = "novaplane-view";  ///< likewise

/// Each may what those before it may.
enum class Role : std::uint8_t { none, view, write, root };

/// Who asks.
struct Caller {
  Role role = Role::none;
  std::string name;        ///< for the history: "alice@h1"; the CN of a certificate
  std::string account;     ///< whose places are taken: "user 1000", "certificate alice"
  bool is_remote = false;  ///< known by a certificate
  uid_t user = 0;          ///< unless it is remote
};

/// The groups' ids on this host; none: there is no such group.
struct GroupIds {
  std::optional<gid_t> writers, viewers;
  bool operator==(const GroupIds&) const = default;
};

/// Of a process of this host, by its user, its group and its supplementary groups.
Role role_of(uid_t user, gid_t group, std::span<const gid_t> groups, const GroupIds& ids);
/// Of a client's certificate, by its organisations (O). Never root.
Role role_of(std::span<const std::string> organisations);

/// Why a request is not the caller's to make, in a sentence that names who may; empty: it is.
/// `target` as it was sent: "/v1/store/backup?x=y".
std::string denial_of(const Caller& caller, std::string_view method, std::string_view target);

}  // namespace novaplane::daemon
