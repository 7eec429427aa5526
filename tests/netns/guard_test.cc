#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

#include "tests/netns/ipv6_cloud.h"

/// What conntrack does not know is not translated: it neither leaves the host with a guest's own
/// address, nor is it answered by the host in a guest's place.
namespace novaplane::netns {
namespace {

constexpr std::uint8_t kFin = 0x01, kSyn = 0x02, kRst = 0x04, kAck = 0x10;

struct Segment {
  std::string from, to;
  std::uint16_t source_port = 0, port = 0;
  std::uint8_t flags = kAck;
  std::uint32_t sequence = 1, acknowledged = 1;
};

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

/// A segment without data, whatever the kernel of `where` knows of its connection.
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

/// A TCP connection whose numbers are known.
class Connection {
 public:
  Connection(const Namespace& from, const std::string& to, std::uint16_t port)
      : from_(from), to_(to), port_(port) {
    from.inside([&] {
      const auto address = socket_address(to, port);
      socket_ = Fd(socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
      const timeval patience{5, 0};
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      connected_ = connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address),
                           size_of(address)) == 0;
    });
    seen_as_ = line();
  }

  bool connected() const { return connected_; }
  const std::string& seen_as() const { return seen_as_; }
  bool echoes(const std::string& text) {
    const std::string sent = text + "\n";
    if (send(socket_.get(), sent.data(), sent.size(), MSG_NOSIGNAL) < 0) return false;
    return line() == text;
  }

  /// What the peer may say next, a gigabyte ahead: beyond every window.
  Segment late() const {
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

 private:
  std::uint32_t number_of(int queue) const {
    const int on = 1, off = TCP_REPAIR_OFF_NO_WP;
    std::uint32_t number = 0;
    socklen_t size = sizeof number;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_REPAIR, &on, sizeof on);
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof queue);
    getsockopt(socket_.get(), IPPROTO_TCP, TCP_QUEUE_SEQ, &number, &size);
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_REPAIR, &off, sizeof off);
    return number;
  }
  std::string line() {
    std::string text;
    for (char c; recv(socket_.get(), &c, 1, 0) == 1 && c != '\n';) text += c;
    return text;
  }

  const Namespace& from_;
  std::string to_, seen_as_;
  std::uint16_t port_;
  Fd socket_;
  bool connected_ = false;
};

class GuardTest : public Ipv6Cloud {
 protected:
  void up() {
    world.up();
    web1.configure();
    autoconfigure(web1);
  }
  /// Segments without a flow, and one with: what reaches the world of them, and of nothing else.
  std::string reaches_the_world(const std::string& from, const std::string& to) {
    Capture arrivals(outside, "eth0", "tcp port 4444");
    for (const std::uint8_t flags :
         {kRst, std::uint8_t(kSyn | kAck), kFin, std::uint8_t(kFin | kAck)})
      send_segment(web1, {from, to, 5555, 4444, flags});
    send_segment(web1, {from, to, 6666, 4444, kSyn});
    EXPECT_TRUE(arrivals.sees()) << "the one that begins a flow";
    return arrivals.text();
  }
  /// The connection outlives a late segment of `peer`, and nobody resets it.
  static void outlives(Connection& connection, const Namespace& peer, const Segment& late) {
    ASSERT_TRUE(connection.connected());
    Capture resets(peer, "eth0", "tcp[tcpflags] & tcp-rst != 0 or (ip6 and ip6[53] & 4 != 0)");
    send_segment(peer, late);
    EXPECT_TRUE(connection.echoes("still here"));
    EXPECT_EQ(resets.text(), "");
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};
INSTANTIATE_TEST_SUITE_P(, GuardTest, testing::Bool(), how);

TEST_P(GuardTest, NoGuestsAddressLeavesUntranslated) {
  up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), Not(HasSubstr("10.0.0.11")));
  EXPECT_THAT(reaches_the_world(slaac(web1), "2001:db8:ff::1"), Not(HasSubstr(slaac(web1))));
}

TEST_P(GuardTest, NorOneWithAFloatingIp) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["2001:db8:f::10"] = "port: web1";
  up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"),
              AllOf(HasSubstr("203.0.113.10"), Not(HasSubstr("10.0.0.11"))));
  EXPECT_THAT(reaches_the_world(slaac(web1), "2001:db8:ff::1"), Not(HasSubstr(slaac(web1))));
}

TEST_P(GuardTest, WithOneNicNoGuestsAddressLeavesUntranslated) {
  document.hosts["h1"] =
      "vm_interface: eth0, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]";
  world.up();
  web1.configure();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), Not(HasSubstr("10.0.0.11")));
  EXPECT_TRUE(h1.down().ok());
}

TEST_P(GuardTest, WhatTheDocumentLeavesAloneLeaves) {
  document.no_snat = {"192.0.2.0/24"};
  up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), HasSubstr("10.0.0.11"));
  document.no_snat.clear();
  document.networks["blue"] += ", snat: false";
  world.up();
  EXPECT_THAT(reaches_the_world("10.0.0.11", "192.0.2.1"), HasSubstr("10.0.0.11"));
  EXPECT_THAT(reaches_the_world(slaac(web1), "2001:db8:ff::1"), HasSubstr(slaac(web1)));
}

TEST_P(GuardTest, AnUplinkWithoutASourceSendsNothingOfGuests) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  h1.ip("-6 address flush dev eth0 scope global");
  h1.ip("route replace 2001:db8:ff::/64 dev eth0");
  EXPECT_TRUE(h1.up().ok());
  Capture leaks(outside, "eth0", "ip6 src net 2001:db8:1::/64");
  EXPECT_EQ(seen_at(web1, "2001:db8:ff::1", 81, 300ms), "timed out");
  EXPECT_FALSE(leaks.sees(1, 50ms)) << leaks.text();
  h1.ip_batch(
      "route delete 2001:db8:ff::/64 dev eth0\naddress add 2001:db8:ff::11/64 dev eth0 nodad\n");
  EXPECT_TRUE(h1.up().ok());
}

TEST_P(GuardTest, ALateSegmentEndsNoConnectionWithAFloatingIp) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  document.floating_ips["2001:db8:f::10"] = "port: web1";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), in_web1_6(web1, "::", 81), in_h1(h1, "0.0.0.0", 80);
  Connection v4(outside, "203.0.113.10", 80);
  outlives(v4, outside, v4.late());
  Connection v6(outside, "2001:db8:f::10", 81);
  outlives(v6, outside, v6.late());
}

TEST_P(GuardTest, NorWithAPortForward) {
  document.port_forwards["far"] =
      "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web1, to: 80";
  document.port_forwards["own"] =
      "address: 192.0.2.11, protocol: tcp, port: 2222, to_port: web1, to: 80";
  up();
  const Server in_web1(web1, "0.0.0.0", 80), in_h1(h1, "0.0.0.0", 2222);
  for (const std::string address : {"203.0.113.80", "192.0.2.11"}) {
    Connection connection(outside, address, 2222);
    outlives(connection, outside, connection.late());
  }
}

TEST_P(GuardTest, NorOneThatAGuestBegan) {
  up();
  const Server beyond(outside, "0.0.0.0", 80), beyond6(outside, "::", 81);
  for (const auto& [address, port] :
       {std::pair<std::string, std::uint16_t>{"192.0.2.1", 80}, {"2001:db8:ff::1", 81}}) {
    Connection connection(web1, address, port);
    ASSERT_TRUE(connection.connected());
    const Segment own = connection.late();
    Segment late{address,
                 connection.seen_as(),
                 port,
                 own.source_port,
                 kAck,
                 own.acknowledged + (1u << 30),
                 own.sequence - (1u << 30)};
    outlives(connection, outside, late);
  }
}

TEST_P(GuardTest, TheHostsOwnConnectionsAreItsOwn) {
  up();
  const Server beyond(outside, "0.0.0.0", 80), in_h1(h1, "0.0.0.0", 8081);
  Connection out(h1, "192.0.2.1", 80);
  const Segment own = out.late();
  outlives(out, outside,
           {"192.0.2.1", "192.0.2.11", 80, own.source_port, kAck, own.acknowledged + (1u << 30),
            own.sequence - (1u << 30)});
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 8081), "192.0.2.1");
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 8082), "Connection refused");
}

TEST_P(GuardTest, NobodyAnswersInAGuestsPlace) {
  document.floating_ips["203.0.113.10"] = "port: web1";
  up();
  Capture answers(outside, "eth0", "(tcp[tcpflags] & tcp-rst != 0 or icmp[icmptype] = 3)");
  send_segment(outside, {"192.0.2.1", "203.0.113.10", 80, 7777, std::uint8_t(kSyn | kAck)});
  send_segment(outside, {"192.0.2.1", "192.0.2.11", 80, 7777, std::uint8_t(kSyn | kAck)});
  send_segment(outside, {"192.0.2.1", "192.0.2.11", 80, 7777, kAck});
  send_datagram(outside, "192.0.2.11", 7777, "an answer that comes too late");
  EXPECT_EQ(seen_at(outside, "192.0.2.11", 7778), "Connection refused");
  EXPECT_TRUE(answers.sees());
  EXPECT_THAT(answers.text(), AllOf(HasSubstr("7778"), Not(HasSubstr("7777"))));
}

}  // namespace
}  // namespace novaplane::netns
