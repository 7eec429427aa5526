#include "tests/netns/world/http.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <system_error>

namespace novaplane::netns {
namespace {

sockaddr_in raw_of(const std::string& address, int port) {
  sockaddr_in raw{};
  raw.sin_family = AF_INET;
  raw.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &raw.sin_addr) != 1)
    throw std::invalid_argument(address + " is no IPv4 address");
  return raw;
}

Fd make_socket(const Namespace& where) {
  return where.inside([] { return Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)); });
}

void say(const Fd& to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = send(to.get(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
}

/// What comes next; empty: nothing more will.
std::string hear(const Fd& from, Clock::time_point deadline) {
  const auto left = std::chrono::duration_cast<Duration>(deadline - Clock::now());
  pollfd entry{from.get(), POLLIN, 0};
  if (poll(&entry, 1, static_cast<int>(std::max<Duration::rep>(left.count(), 0))) != 1) return {};
  char buffer[16 * 1024];
  const ssize_t got = recv(from.get(), buffer, sizeof buffer, 0);
  return {buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))};
}

bool is_whole(const std::string& request) {
  const auto header = request.find("\r\n\r\n");
  if (header == std::string::npos) return false;
  const auto at = request.find("Content-Length: ");
  if (at == std::string::npos || at > header) return true;
  return request.size() >= header + 4 + std::stoul(request.substr(at + 16));
}

}  // namespace

HttpServer::HttpServer(const Namespace& where, const std::string& address, int port, Answer answer)
    : answer_(answer ? std::move(answer) : [](const auto&) { return http_ok("hello"); }),
      listener_(make_socket(where)),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  const int on = 1;
  const sockaddr_in raw = raw_of(address, port);
  setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&raw), sizeof raw) != 0 ||
      listen(listener_.get(), 64) != 0)
    throw std::system_error(errno, std::generic_category(), "listen at " + address);
  thread_ = std::thread([this] { serve(); });
}

HttpServer::~HttpServer() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::vector<std::string> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

std::vector<std::string> HttpServer::callers() const {
  const std::lock_guard lock(mutex_);
  return callers_;
}

void HttpServer::serve() {
  for (;;) {
    pollfd entries[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (poll(entries, 2, -1) < 0) continue;
    if (entries[1].revents != 0) return;
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const Fd client(
        accept4(listener_.get(), reinterpret_cast<sockaddr*>(&peer), &size, SOCK_CLOEXEC));
    if (!client) continue;
    char text[INET_ADDRSTRLEN];
    {
      const std::lock_guard lock(mutex_);
      callers_.push_back(inet_ntop(AF_INET, &peer.sin_addr, text, sizeof text));
    }
    answer(client);
  }
}

void HttpServer::answer(const Fd& client) {
  std::string request;
  const auto deadline = Clock::now() + kHangs;
  while (!is_whole(request)) {
    const std::string more = hear(client, deadline);
    if (more.empty()) return;
    request += more;
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
  }
  say(client, answer_(request));
}

std::string http_ok(const std::string& body, const std::string& headers) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n{}\r\n{}", body.size(), headers,
                     body);
}

Fd connection(const Namespace& from, const std::string& address, int port) {
  Fd socket = make_socket(from);
  const sockaddr_in raw = raw_of(address, port);
  if (connect(socket.get(), reinterpret_cast<const sockaddr*>(&raw), sizeof raw) != 0) return {};
  return socket;
}

std::string converse(const Namespace& from, const std::string& address, int port,
                     const std::string& said, const std::string& end, Duration deadline) {
  const Fd socket = connection(from, address, port);
  if (!socket) return std::strerror(errno);
  say(socket, said);
  std::string heard;
  const auto until = Clock::now() + deadline;
  while (end.empty() || heard.find(end) == std::string::npos) {
    const std::string more = hear(socket, until);
    if (more.empty()) return Clock::now() < until ? heard : "timed out";
    heard += more;
  }
  return heard;
}

std::string http_request(const Namespace& from, const std::string& address,
                         const std::string& method_and_path, const std::string& headers,
                         const std::string& body) {
  std::string text = method_and_path + " HTTP/1.1\r\nHost: metadata\r\nConnection: close\r\n";
  if (!body.empty()) text += fmt::format("Content-Length: {}\r\n", body.size());
  return converse(from, address, 80, text + headers + "\r\n" + body);
}

}  // namespace novaplane::netns
