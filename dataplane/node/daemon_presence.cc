#include "dataplane/node/daemon_presence.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "dataplane/base/fd.h"
#include "dataplane/base/peer.h"

namespace novaplane::node {

bool daemon_listens(const std::string& run_dir) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = run_dir + "/control.sock";
  if (path.size() >= sizeof(address.sun_path) || !is_roots_socket(path)) return false;
  path.copy(address.sun_path, path.size());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  // More wait than its queue takes: it listens, and the socket is root's.
  if (::connect(socket.get(), to, sizeof(address)) != 0) return errno == EAGAIN;
  return is_root_peer(socket.get());
}

}  // namespace novaplane::node
