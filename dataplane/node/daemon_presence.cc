#include "dataplane/node/daemon_presence.h"

#include <sys/socket.h>

#include <cerrno>

#include "dataplane/base/fd.h"
#include "dataplane/base/peer.h"
#include "dataplane/base/unix_address.h"

namespace novaplane::node {

bool daemon_listens(const std::string& run_dir) {
  const std::string path = run_dir + "/control.sock";
  const auto address = unix_address(path);
  if (!address || !is_roots_socket(path)) return false;
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // More wait than its queue takes: it listens, and the socket is root's.
  if (::connect(socket.get(), address->get(), address->size) != 0) return errno == EAGAIN;
  return is_root_peer(socket.get());
}

}  // namespace novaplane::node
