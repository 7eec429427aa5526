#include "tests/netns/world/peers.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <resolv.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

namespace novaplane::netns {
namespace {

/// An address of either family, with a port.
union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;

  int family() const { return any.sa_family; }
  socklen_t size() const { return family() == AF_INET ? sizeof v4 : sizeof v6; }
};

SocketAddress socket_address(const std::string& address, int port) {
  SocketAddress result{};
  result.v6 = {};
  if (inet_pton(AF_INET, address.c_str(), &result.v4.sin_addr) == 1) {
    result.v4.sin_family = AF_INET;
    result.v4.sin_port = htons(static_cast<std::uint16_t>(port));
    return result;
  }
  result.v6 = {};
  result.v6.sin6_family = AF_INET6;
  result.v6.sin6_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET6, address.c_str(), &result.v6.sin6_addr) != 1)
    throw std::invalid_argument(address + " is no IP address");
  return result;
}

std::string text_of(const SocketAddress& address) {
  char text[INET6_ADDRSTRLEN];
  const bool is_v4 = address.family() == AF_INET;
  const void* bytes =
      is_v4 ? static_cast<const void*>(&address.v4.sin_addr) : &address.v6.sin6_addr;
  return inet_ntop(address.family(), bytes, text, sizeof text);
}

Fd make_socket(const Namespace& where, int family, int type) {
  return where.inside([&] {
    Fd fd(socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd) throw std::system_error(errno, std::generic_category(), "socket");
    return fd;
  });
}

Fd bound_socket(const Namespace& where, int type, const SocketAddress& address) {
  Fd fd = make_socket(where, address.family(), type);
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (address.family() == AF_INET6) setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (bind(fd.get(), &address.any, address.size()) != 0)
    throw std::system_error(errno, std::generic_category(), "bind " + text_of(address));
  return fd;
}

bool ready(int fd, short events, Duration deadline) {
  pollfd entry{fd, events, 0};
  return poll(&entry, 1, static_cast<int>(std::max<Duration::rep>(deadline.count(), 0))) == 1;
}

int pending_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void say(int fd, const std::string& text) { send(fd, text.data(), text.size(), MSG_NOSIGNAL); }

Fd dial(const Namespace& from, const std::string& address, int port, Duration deadline,
        std::string& error) {
  const auto to = socket_address(address, port);
  Fd fd = make_socket(from, to.family(), SOCK_STREAM);
  int code = connect(fd.get(), &to.any, to.size()) == 0 ? 0 : errno;
  if (code == EINPROGRESS)
    code = ready(fd.get(), POLLOUT, deadline) ? pending_error(fd.get()) : ETIMEDOUT;
  if (code == 0) return fd;
  error = code == ETIMEDOUT ? "timed out" : std::strerror(code);
  return {};
}

/// Sends `request` again every 300 ms until a datagram answers.
std::string exchange(const Namespace& from, const std::string& address, int port,
                     const std::string& request, Duration deadline) {
  const auto to = socket_address(address, port);
  const Fd fd = make_socket(from, to.family(), SOCK_DGRAM);
  if (connect(fd.get(), &to.any, to.size()) != 0) return {};
  const auto end = Clock::now() + deadline;
  char buffer[2048];
  do {
    say(fd.get(), request);
    if (!ready(fd.get(), POLLIN, 300ms)) continue;
    const ssize_t got = recv(fd.get(), buffer, sizeof buffer, 0);
    if (got > 0) return {buffer, static_cast<std::size_t>(got)};
  } while (Clock::now() < end);
  return {};
}

}  // namespace

Server::Server(const Namespace& where, const std::string& address, int port)
    : listener_(bound_socket(where, SOCK_STREAM, socket_address(address, port))),
      datagrams_(bound_socket(where, SOCK_DGRAM, socket_address(address, port))),
      stop_(eventfd(0, EFD_CLOEXEC)) {
  const int on = 1;  // so that the answer leaves from the address that was asked
  setsockopt(datagrams_.get(), IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  setsockopt(datagrams_.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on);
  listen(listener_.get(), 64);
  thread_ = std::thread([this] { serve(); });
}

Server::~Server() {
  eventfd_write(stop_.get(), 1);
  thread_.join();
}

std::vector<std::string> Server::callers() const {
  const std::lock_guard lock(mutex_);
  return callers_;
}

std::string Server::heard() const {
  const std::lock_guard lock(mutex_);
  return heard_;
}

void Server::serve() {
  for (;;) {
    std::vector<pollfd> entries{
        {stop_.get(), POLLIN, 0}, {listener_.get(), POLLIN, 0}, {datagrams_.get(), POLLIN, 0}};
    for (const auto& client : clients_) entries.push_back({client.get(), POLLIN, 0});
    poll(entries.data(), entries.size(), -1);
    if (entries[0].revents) return;
    for (std::size_t i = entries.size(); i-- > 3;) {
      if (!entries[i].revents || answer(static_cast<int>(i - 3))) continue;
      clients_.erase(clients_.begin() + static_cast<std::ptrdiff_t>(i - 3));
      addresses_.erase(addresses_.begin() + static_cast<std::ptrdiff_t>(i - 3));
    }
    if (entries[1].revents) greet();
    if (entries[2].revents) answer_datagram();
  }
}

void Server::greet() {
  SocketAddress from{};
  socklen_t size = sizeof from;
  Fd client(accept4(listener_.get(), &from.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!client) return;
  {
    const std::lock_guard lock(mutex_);
    callers_.push_back(text_of(from));
  }
  // An HTTP client speaks first and takes no greeting: wait for its line for a moment.
  if (!ready(client.get(), POLLIN, 20ms)) say(client.get(), text_of(from) + "\n");
  addresses_.push_back(text_of(from));
  clients_.push_back(std::move(client));
}

bool Server::answer(int client) {
  char buffer[4096];
  const int fd = clients_[static_cast<std::size_t>(client)].get();
  const ssize_t got = recv(fd, buffer, sizeof buffer, 0);
  if (got <= 0) return false;
  const std::string text(buffer, static_cast<std::size_t>(got));
  if (!text.starts_with("GET ")) {
    const std::lock_guard lock(mutex_);
    heard_ += text;
    say(fd, text);
    return true;
  }
  const auto& body = addresses_[static_cast<std::size_t>(client)];
  say(fd, fmt::format("HTTP/1.0 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                      body.size(), body));
  return false;
}

void Server::answer_datagram() {
  char buffer[2048];
  alignas(cmsghdr) char control[256];
  SocketAddress from{};
  iovec data{buffer, sizeof buffer};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof from;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (recvmsg(datagrams_.get(), &message, 0) < 0) return;
  const std::string caller = text_of(from);
  {
    const std::lock_guard lock(mutex_);
    callers_.push_back(caller);
  }
  for (auto* item = CMSG_FIRSTHDR(&message); item; item = CMSG_NXTHDR(&message, item)) {
    if (item->cmsg_level == IPPROTO_IP && item->cmsg_type == IP_PKTINFO)
      reinterpret_cast<in_pktinfo*>(CMSG_DATA(item))->ipi_ifindex = 0;
    if (item->cmsg_level == IPPROTO_IPV6 && item->cmsg_type == IPV6_PKTINFO)
      reinterpret_cast<in6_pktinfo*>(CMSG_DATA(item))->ipi6_ifindex = 0;
  }
  data = {const_cast<char*>(caller.data()), caller.size()};
  sendmsg(datagrams_.get(), &message, MSG_NOSIGNAL);
}

Session::Session(const Namespace& from, const std::string& address, int port, Duration deadline) {
  socket_ = dial(from, address, port, deadline, error_);
  if (!socket_) return;
  const auto greeting = line(deadline);
  if (greeting)
    seen_as_ = *greeting;
  else
    error_ = "connected, but no greeting";
}

std::optional<std::string> Session::line(Duration deadline) {
  const auto end = Clock::now() + deadline;
  for (;;) {
    if (const auto at = buffer_.find('\n'); at != std::string::npos) {
      std::string text = buffer_.substr(0, at);
      buffer_.erase(0, at + 1);
      return text;
    }
    if (!ready(socket_.get(), POLLIN, std::chrono::duration_cast<Duration>(end - Clock::now())))
      return {};
    char bytes[2048];
    const ssize_t got = recv(socket_.get(), bytes, sizeof bytes, 0);
    if (got <= 0) return {};
    buffer_.append(bytes, static_cast<std::size_t>(got));
  }
}

bool Session::echoes(const std::string& text, Duration deadline) {
  if (!socket_) return false;
  say(socket_.get(), text + "\n");
  return line(deadline) == text;
}

std::string seen_at(const Namespace& from, const std::string& address, int port,
                    Duration deadline) {
  const Session session(from, address, port, deadline);
  return session.seen_as().empty() ? session.error() : session.seen_as();
}

std::string seen_at_udp(const Namespace& from, const std::string& address, int port,
                        Duration deadline) {
  const auto answer = exchange(from, address, port, "who am I?", deadline);
  return answer.empty() ? "timed out" : answer;
}

std::string http_get(const Namespace& from, const std::string& address, int port,
                     Duration deadline) {
  std::string error;
  const Fd fd = dial(from, address, port, deadline, error);
  if (!fd) return error;
  say(fd.get(), fmt::format("GET /latest/meta-data/ HTTP/1.0\r\nHost: {}\r\n\r\n", address));
  std::string answer;
  char bytes[2048];
  while (ready(fd.get(), POLLIN, deadline)) {
    const ssize_t got = recv(fd.get(), bytes, sizeof bytes, 0);
    if (got <= 0) break;
    answer.append(bytes, static_cast<std::size_t>(got));
  }
  const auto body = answer.find("\r\n\r\n");
  return body == std::string::npos ? "no answer: " + answer : answer.substr(body + 4);
}

std::string resolve(const Namespace& from, const std::string& server, const std::string& name,
                    Duration deadline, bool ipv6) {
  const auto wanted = ipv6 ? ns_t_aaaa : ns_t_a;
  unsigned char query[512];
  const int size = res_mkquery(ns_o_query, name.c_str(), ns_c_in, wanted, nullptr, 0, nullptr,
                               query, sizeof query);
  const auto answer = exchange(
      from, server, 53, {reinterpret_cast<char*>(query), static_cast<std::size_t>(size)}, deadline);
  if (answer.empty()) return "timed out";
  ns_msg message;
  if (ns_initparse(reinterpret_cast<const unsigned char*>(answer.data()),
                   static_cast<int>(answer.size()), &message) != 0)
    return "malformed";
  if (const int code = ns_msg_getflag(message, ns_f_rcode); code != ns_r_noerror)
    return code == ns_r_nxdomain  ? "NXDOMAIN"
           : code == ns_r_refused ? "REFUSED"
                                  : fmt::format("code {}", code);
  ns_rr record;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    if (ns_parserr(&message, ns_s_an, i, &record) != 0 || ns_rr_type(record) != wanted) continue;
    char text[INET6_ADDRSTRLEN];
    return inet_ntop(ipv6 ? AF_INET6 : AF_INET, ns_rr_rdata(record), text, sizeof text);
  }
  return "no address";
}

void send_datagram(const Namespace& from, const std::string& address, int port,
                   const std::string& text) {
  const auto to = socket_address(address, port);
  const Fd fd = make_socket(from, to.family(), SOCK_DGRAM);
  sendto(fd.get(), text.data(), text.size(), 0, &to.any, to.size());
}

}  // namespace novaplane::netns
