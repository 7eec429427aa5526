#include "tests/netns/world/segments.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include <fmt/format.h>

#include "tests/netns/world/capture.h"
#include "tests/netns/world/eventually.h"

namespace novaplane::netns {
namespace {

sockaddr_storage socket_address(const std::string& text, std::uint16_t port) {
  sockaddr_storage all{};
  if (text.find(':') == std::string::npos) {
    auto& in = reinterpret_cast<sockaddr_in&>(all);
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    inet_pton(AF_INET, text.c_str(), &in.sin_addr);
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(all);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    inet_pton(AF_INET6, text.c_str(), &in.sin6_addr);
  }
  return all;
}

socklen_t size_of(const sockaddr_storage& address) {
  return address.ss_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
}

std::uint32_t sum_of(const void* bytes, std::size_t size) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    std::uint16_t word;
    std::memcpy(&word, static_cast<const char*>(bytes) + i, 2);
    sum += word;
  }
  return sum;
}

/// RFC 9293, 3.1: over the pseudo header and the segment.
std::uint16_t checksum(const sockaddr_storage& from, const sockaddr_storage& to,
                       const tcphdr& segment) {
  const auto address = [](const sockaddr_storage& all) {
    return all.ss_family == AF_INET
               ? sum_of(&reinterpret_cast<const sockaddr_in&>(all).sin_addr, 4)
               : sum_of(&reinterpret_cast<const sockaddr_in6&>(all).sin6_addr, 16);
  };
  std::uint32_t sum = address(from) + address(to) + htons(IPPROTO_TCP) + htons(sizeof segment) +
                      sum_of(&segment, sizeof segment);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

void send_segment(const Namespace& where, const Segment& segment) {
  const auto from = socket_address(segment.from, 0), to = socket_address(segment.to, 0);
  tcphdr header{};
  header.source = htons(segment.source_port);
  header.dest = htons(segment.port);
  header.seq = htonl(segment.sequence);
  header.ack_seq = htonl(segment.acknowledged);
  header.doff = sizeof header / 4;
  reinterpret_cast<std::uint8_t*>(&header)[13] = segment.flags;
  header.window = htons(1000);
  header.check = checksum(from, to, header);
  where.inside([&] {
    const Fd raw(socket(from.ss_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP));
    ASSERT_EQ(bind(raw.get(), reinterpret_cast<const sockaddr*>(&from), size_of(from)), 0);
    const auto sent = sendto(raw.get(), &header, sizeof header, 0,
                             reinterpret_cast<const sockaddr*>(&to), size_of(to));
    ASSERT_EQ(sent, static_cast<ssize_t>(sizeof header)) << strerror(errno);
  });
}

Connection::Connection(const Namespace& from, const std::string& to, std::uint16_t port)
    : to_(to), port_(port) {
  from.inside([&] {
    const auto address = socket_address(to, port);
    socket_ = Fd(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const timeval patience{kHangs.count() / 1000, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    connected_ =
        connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), size_of(address)) == 0;
  });
  seen_as_ = line();
}

bool Connection::echoes(const std::string& text) {
  const std::string sent = text + "\n";
  if (send(socket_.get(), sent.data(), sent.size(), MSG_NOSIGNAL) < 0) return false;
  return line() == text;
}

Segment Connection::late() const {
  sockaddr_storage own{};
  socklen_t size = sizeof own;
  getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&own), &size);
  char text[INET6_ADDRSTRLEN];
  const bool is_v4 = own.ss_family == AF_INET;
  const auto& in = reinterpret_cast<const sockaddr_in&>(own);
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(own);
  inet_ntop(own.ss_family, is_v4 ? static_cast<const void*>(&in.sin_addr) : &in6.sin6_addr, text,
            sizeof text);
  return {text,
          to_,
          ntohs(is_v4 ? in.sin_port : in6.sin6_port),
          port_,
          kAck,
          number_of(TCP_SEND_QUEUE) + (1u << 30),
          number_of(TCP_RECV_QUEUE)};
}

std::uint32_t Connection::number_of(int queue) const {
  const int on = 1, off = TCP_REPAIR_OFF_NO_WP;
  std::uint32_t number = 0;
  socklen_t size = sizeof number;
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on);
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue);
  getsockopt(socket_.get(), IPPROTO_TCP, TCP_QUEUE_SEQ, &number, &size);
  setsockopt(socket_.get(), IPPROTO_TCP, TCP_REPAIR, &off, sizeof off);
  return number;
}
std::string Connection::line() {
  std::string text;
  for (char c; recv(socket_.get(), &c, 1, 0) == 1 && c != '\n';) text += c;
  return text;
}

void expect_outlives(Connection& connection, const Namespace& peer, const Segment& late) {
  ASSERT_TRUE(connection.connected());
  Capture resets(peer, "eth0", "tcp[tcpflags] & tcp-rst != 0 or (ip6 and ip6[53] & 4 != 0)");
  send_segment(peer, late);
  EXPECT_TRUE(connection.echoes("still here"));
  EXPECT_EQ(resets.text(), "");
}

std::string reaches_the_world(const Namespace& guest, const Namespace& outside,
                              const std::string& from, const std::string& to) {
  constexpr std::uint16_t kPort = 4444, kWithoutFlow = 5555, kNew = 6666;
  Capture arrivals(outside, "eth0", fmt::format("tcp port {}", kPort));
  for (const std::uint8_t flags :
       {kRst, std::uint8_t(kSyn | kAck), kFin, std::uint8_t(kFin | kAck)})
    send_segment(guest, {from, to, kWithoutFlow, kPort, flags});
  send_segment(guest, {from, to, kNew, kPort, kSyn});
  EXPECT_TRUE(arrivals.sees()) << "the one that begins a flow";
  return arrivals.text();
}

}  // namespace novaplane::netns
