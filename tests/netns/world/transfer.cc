#include "tests/netns/world/transfer.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace novaplane::netns {
namespace {

constexpr std::size_t kPiece = 64 << 10;

Fd tcp_socket() { return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

sockaddr_in any_address() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  return address;
}

sockaddr* plain(sockaddr_in& address) { return reinterpret_cast<sockaddr*>(&address); }

/// A listener on a port that was free, and which one that is.
Fd listen_anywhere(sockaddr_in& at) {
  Fd fd = tcp_socket();
  socklen_t size = sizeof at;
  if (bind(fd.get(), plain(at), size) != 0 || listen(fd.get(), 1) != 0 ||
      getsockname(fd.get(), plain(at), &size) != 0) {
    throw std::runtime_error("listen");
  }
  return fd;
}

void send_until(const std::atomic<bool>& ended, int fd) {
  const std::vector<char> piece(kPiece);
  while (!ended && send(fd, piece.data(), piece.size(), MSG_NOSIGNAL) > 0) continue;
}

/// Bytes that arrive until then.
std::size_t receive_until(Clock::time_point end, int fd) {
  std::vector<char> piece(kPiece);
  std::size_t bytes = 0;
  for (;;) {
    const auto left = std::chrono::duration_cast<Duration>(end - Clock::now());
    if (left <= Duration::zero()) return bytes;
    pollfd entry{fd, POLLIN, 0};
    if (poll(&entry, 1, static_cast<int>(left.count())) != 1) return bytes;
    const ssize_t size = recv(fd, piece.data(), piece.size(), MSG_DONTWAIT);
    if (size <= 0) return bytes;
    bytes += static_cast<std::size_t>(size);
  }
}

}  // namespace

double goodput(const Namespace& from, const Namespace& to, const std::string& address,
               Duration warm_up, Duration measured) {
  sockaddr_in at = any_address();
  const Fd listener = to.inside([&] { return listen_anywhere(at); });
  const Fd sender = from.inside([] { return tcp_socket(); });
  inet_pton(AF_INET, address.c_str(), &at.sin_addr);
  if (connect(sender.get(), plain(at), sizeof at) != 0) return 0;
  const Fd receiver(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  std::atomic<bool> ended = false;
  std::thread sending([&] { send_until(ended, sender.get()); });
  (void)receive_until(Clock::now() + warm_up, receiver.get());
  const auto begin = Clock::now();
  const std::size_t bytes = receive_until(begin + measured, receiver.get());
  const std::chrono::duration<double> took = Clock::now() - begin;
  ended = true;
  shutdown(receiver.get(), SHUT_RDWR);
  shutdown(sender.get(), SHUT_RDWR);
  sending.join();
  return static_cast<double>(bytes) * 8 / 1e6 / took.count();
}

double goodput_between(double low, double high, const Namespace& from, const Namespace& to,
                       const std::string& address, Duration warm_up, Duration measured) {
  double rate = 0;
  eventually([&] {
    rate = goodput(from, to, address, warm_up, measured);
    return low <= rate && rate <= high;
  });
  return rate;
}

}  // namespace novaplane::netns
