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

bool is_root_peer(int socket) {
  const auto peer = peer_of(socket);
  return peer && peer->uid == 0;
}

bool is_roots_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode) && status.st_uid == 0;
}

}  // namespace novaplane
