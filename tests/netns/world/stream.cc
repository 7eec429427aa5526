#include "tests/netns/world/stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace novaplane::netns {
namespace {

constexpr int kPause = 10;  // ms

Fd tcp_socket() { return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); }

bool is_ready(const Fd& fd, short events, Duration patience) {
  pollfd waiting{fd.get(), events, 0};
  return poll(&waiting, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace

Stream::Stream(const Namespace& listener, const Namespace& talker, const std::string& address,
               int port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, address.c_str(), &where.sin_addr);
  const auto* to = reinterpret_cast<const sockaddr*>(&where);
  const Fd server = talker.inside(tcp_socket);
  const int yes = 1;
  setsockopt(server.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  Fd near = listener.inside(tcp_socket);
  const timeval patience{.tv_sec = 3, .tv_usec = 0};
  setsockopt(near.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (bind(server.get(), to, sizeof where) != 0 || ::listen(server.get(), 1) != 0) return;
  if (connect(near.get(), to, sizeof where) != 0 || !is_ready(server, POLLIN, patient(kHangs)))
    return;
  far_ = Fd(accept4(server.get(), nullptr, nullptr, SOCK_CLOEXEC));
  near_ = std::move(near);
  talking_ = std::thread([this] { talk(); });
  listening_ = std::thread([this] { listen(); });
}

Stream::~Stream() {
  stop_ = true;
  if (talking_.joinable()) talking_.join();
  if (listening_.joinable()) listening_.join();
}

void Stream::talk() {
  while (!stop_ && !broken_) {
    if (send(far_.get(), "line\n", 5, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN) {
      broken_ = true;
    }
    poll(nullptr, 0, kPause);
  }
}

void Stream::listen() {
  while (!stop_ && !broken_) {
    char buffer[4096];
    if (!is_ready(near_, POLLIN, Duration(kPause))) continue;
    const auto got = recv(near_.get(), buffer, sizeof buffer, 0);
    if (got <= 0) broken_ = true;
    if (got > 0) heard_ += static_cast<std::size_t>(got);
  }
}

bool Stream::flows(Duration deadline) {
  constexpr std::size_t kSome = 100;
  const std::size_t before = heard_;
  return eventually([&] { return heard_ >= before + kSome || broken_; }, deadline) && !broken_;
}

}  // namespace novaplane::netns
