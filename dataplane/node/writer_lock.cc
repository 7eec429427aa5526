#include "dataplane/node/writer_lock.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <string_view>

namespace novaplane::node {
namespace {

struct Name {
  sockaddr_un address{};
  socklen_t size = 0;
};

/// A leading zero byte: the abstract namespace, which is one for each network namespace (unix(7)).
Name lock_name() {
  constexpr std::string_view kName = "novaplane/writer";
  Name name;
  name.address.sun_family = AF_UNIX;
  std::copy(kName.begin(), kName.end(), name.address.sun_path + 1);
  name.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + kName.size());
  return name;
}

const sockaddr* as_sockaddr(const Name& name) {
  return reinterpret_cast<const sockaddr*>(&name.address);
}

Fd unix_socket() { return Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

/// A connection that ends when the holder does. None: nobody holds the lock, or more wait for its
/// end than its queue takes. Nobody accepts: a connect() that waits would wait for the holder's
/// end, even where that is this process.
Fd connect_to_holder() {
  const Name name = lock_name();
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return ::connect(socket.get(), as_sockaddr(name), name.size) == 0 ? std::move(socket) : Fd();
}

std::optional<pid_t> pid_behind(const Fd& connection) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  if (::getsockopt(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
  return peer.pid;
}

using Clock = std::chrono::steady_clock;

/// Without a connection: until the deadline.
void wait_for_end(const Fd& connection, Clock::time_point deadline) {
  using namespace std::chrono;
  const auto left = duration_cast<milliseconds>(deadline - Clock::now()).count();
  pollfd waiting{connection.get(), POLLIN, 0};
  ::poll(&waiting, 1, static_cast<int>(std::max<long>(left, 0)));
}

}  // namespace

Result<WriterLock> WriterLock::take() {
  const Name name = lock_name();
  Fd socket = unix_socket();
  if (!socket || ::bind(socket.get(), as_sockaddr(name), name.size) != 0 ||
      ::listen(socket.get(), SOMAXCONN) != 0) {
    const int code = errno;
    const auto pid = code == EADDRINUSE ? holder() : std::nullopt;
    return failure("become the writer of this network namespace", code,
                   pid ? fmt::format("process {} already is", *pid) : "");
  }
  return WriterLock(std::move(socket));
}

Result<WriterLock> WriterLock::take_before(Clock::time_point deadline) {
  for (;;) {
    auto lock = take();
    const bool in_use = !lock && lock.error().code == EADDRINUSE;
    if (!in_use || Clock::now() >= deadline) return lock;
    constexpr auto kPause = std::chrono::milliseconds(5);
    const Fd holder = connect_to_holder();
    wait_for_end(holder, holder ? deadline : std::min(deadline, Clock::now() + kPause));
  }
}

std::optional<pid_t> WriterLock::holder() {
  const Fd connection = connect_to_holder();
  return connection ? pid_behind(connection) : std::nullopt;
}

}  // namespace novaplane::node
