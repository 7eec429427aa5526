#include "tests/netns/world/probe.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cstring>
#include <stdexcept>

namespace novaplane::netns {
namespace {

/// IPv4 too, as mapped addresses.
sockaddr_in6 any_family(const std::string& address, int port) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(static_cast<std::uint16_t>(port));
  const bool is_v4 = address.find(':') == std::string::npos;
  inet_pton(AF_INET6, (is_v4 ? "::ffff:" + address : address).c_str(), &to.sin6_addr);
  return to;
}

Fd datagram_socket() {
  Fd fd(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int no = 0;
  setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
  return fd;
}

}  // namespace

Echo::Echo(const Namespace& where, int port)
    : socket_(where.inside(datagram_socket)), stop_(eventfd(0, EFD_CLOEXEC)) {
  const auto own = any_family("::", port);
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) != 0)
    throw std::runtime_error("cannot echo");
  thread_ = std::thread([this] {
    pollfd waiting[]{{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    while (poll(waiting, 2, -1) >= 0 && !waiting[1].revents) {
      char buffer[64];
      sockaddr_in6 from{};
      socklen_t size = sizeof from;
      auto* peer = reinterpret_cast<sockaddr*>(&from);
      const auto got = recvfrom(socket_.get(), buffer, sizeof buffer, 0, peer, &size);
      if (got >= 0) sendto(socket_.get(), buffer, static_cast<std::size_t>(got), 0, peer, size);
    }
  });
}

Echo::~Echo() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

int Echo::port() const {
  sockaddr_in6 own{};
  socklen_t size = sizeof own;
  getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size);
  return ntohs(own.sin6_port);
}

Asker::Asker(const Namespace& from, const std::string& address, int port)
    : socket_(from.inside(datagram_socket)), last_(Clock::now()) {
  const auto to = any_family(address, port);
  if (connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
    throw std::runtime_error("cannot probe " + address);
  thread_ = std::thread([this] { ask(); });
}

Asker::~Asker() {
  stop_ = true;
  thread_.join();
}

void Asker::ask() {
  for (auto next = Clock::now(); !stop_; next += 1ms) {
    send(socket_.get(), "?", 1, 0);
    for (auto now = Clock::now(); now < next + 1ms; now = Clock::now()) {
      pollfd waiting{socket_.get(), POLLIN, 0};
      const auto left = std::chrono::ceil<Duration>(next + 1ms - now);
      if (poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
      char buffer[64];
      if (recv(socket_.get(), buffer, sizeof buffer, 0) > 0) process_events(Clock::now());
    }
    if (Clock::now() > next + 100ms) next = Clock::now();  // we were not let run: no burst
  }
}

void Asker::process_events(Clock::time_point now) {
  const auto gap = now - last_.load();
  if (gap > longest_.load()) longest_ = gap;
  last_ = now;
  ++answers_;
}

Clock::duration Asker::longest_gap() {
  const auto open = Clock::now() - last_.load();
  return std::max(longest_.exchange(Clock::duration::zero()), open);
}

Probe::Probe(const Namespace& from, const std::string& address, int port)
    : asker_(from, address, port),
      loopback_(from, 0),
      control_(from, "127.0.0.1", loopback_.port()) {}

bool Probe::answered(std::size_t more, Duration deadline) {
  const std::size_t before = asker_.answers(), before_there = control_.answers();
  return eventually(
      [&] {
        return asker_.answers() >= before + more && control_.answers() >= before_there + more;
      },
      deadline);
}

std::chrono::microseconds Probe::longest_gap() {
  const auto gap = asker_.longest_gap() - control_.longest_gap();
  const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(gap);
  return std::max(microseconds, std::chrono::microseconds::zero());
}

}  // namespace novaplane::netns
