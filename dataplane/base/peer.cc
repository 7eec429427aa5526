#include "dataplane/base/peer.h"

#include <sys/stat.h>

namespace novaplane {

std::optional<ucred> peer_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  const bool is_told = ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0;
  if (!is_told || size != sizeof(peer) || peer.pid <= 0) return std::nullopt;
  return peer;
}

std::optional<std::vector<gid_t>> groups_of_peer(int socket) {
  socklen_t size = 0;
  // ERANGE comes with the size that it takes (sk_getsockopt).
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, nullptr, &size) == 0 && size == 0) {
    return std::vector<gid_t>();
  }
  std::vector<gid_t> groups(size / sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) != 0) {
    return std::nullopt;
  }
  groups.resize(size / sizeof(gid_t));
  return groups;
}

bool is_root_peer(int socket) {
  const auto peer = peer_of(socket);
  return peer && peer->uid == 0;
}

bool is_roots_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && status.st_uid == 0;
}

}  // namespace novaplane
