#include "dataplane/node/daemon_presence.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>

#include "dataplane/base/fd.h"

namespace novaplane::node {

bool daemon_listens(const std::string& run_dir) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = run_dir + "/control.sock";
  if (path.size() >= sizeof(address.sun_path)) return false;
  path.copy(address.sun_path, path.size());
  const Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) ==
             0 ||
         errno == EAGAIN;
}

}  // namespace novaplane::node
