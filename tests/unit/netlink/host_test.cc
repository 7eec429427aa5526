#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "dataplane/netlink/arp.h"
#include "dataplane/netlink/sysctl.h"
#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

class SysctlTest : public KernelTest {};

TEST_F(SysctlTest, WritesTheValueOfItsOwnNamespace) {
  const auto before = read_sysctl("net/ipv4/ip_forward");
  ASSERT_TRUE(before);
  const std::string other = *before == "1" ? "0" : "1";
  {
    const test::NetworkNamespace elsewhere;
    EXPECT_TRUE(write_sysctl("net/ipv4/ip_forward", other));
    EXPECT_EQ(read_sysctl("net/ipv4/ip_forward"), other);
  }
  EXPECT_EQ(read_sysctl("net/ipv4/ip_forward"), *before);
}

TEST_F(SysctlTest, NamesThePathThatFailed) {
  EXPECT_EQ(read_sysctl("net/ipv4/conf/nowhere/rp_filter").error(),
            (Error{"open /proc/sys/net/ipv4/conf/nowhere/rp_filter", ENOENT, ""}));
  EXPECT_EQ(write_sysctl("net/ipv4/ip_forward", "many").error(),
            (Error{"write many to /proc/sys/net/ipv4/ip_forward", EINVAL, ""}));
}

TEST_F(SysctlTest, IsReadAndWrittenByOneLookUp) {
  const auto forwarding = Sysctl::open("net/ipv4/conf/lo/forwarding");
  ASSERT_TRUE(forwarding);
  const std::string other = forwarding->read() == "1" ? "0" : "1";
  EXPECT_TRUE(forwarding->write(other));
  EXPECT_EQ(forwarding->read(), other);
  EXPECT_EQ(read_sysctl("net/ipv4/conf/lo/forwarding"), other);
  EXPECT_EQ(Sysctl::open("net/ipv4/conf/nowhere/forwarding").error(),
            (Error{"open /proc/sys/net/ipv4/conf/nowhere/forwarding", ENOENT, ""}));
}

class LinkNamesTest : public KernelTest {};

TEST_F(LinkNamesTest, FindsALink) {
  EXPECT_EQ(socket_.index_of("lo"), 1);
  EXPECT_EQ(socket_.index_of("nowhere").error(), (Error{"find link nowhere", ENODEV, ""}));
}

class ArpTest : public KernelTest {
 protected:
  /// A socket that hears ARP on the link.
  static Fd listen_on(int link) {
    Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETHERTYPE_ARP)));
    sockaddr_ll at{};
    at.sll_family = AF_PACKET;
    at.sll_protocol = htons(ETHERTYPE_ARP);
    at.sll_ifindex = link;
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)), 0);
    return fd;
  }

  /// A wire from v0 to v1. The one that goes up last has its carrier, and so sends, at once.
  static void make_wire() {
    shell("ip link add v0 type veth peer name v1; ip link set v1 up; ip link set v0 up");
  }

  static std::vector<std::uint8_t> next_frame(const Fd& fd) {
    pollfd waiting{fd.get(), POLLIN, 0};
    if (poll(&waiting, 1, 5000) != 1) return {};
    std::vector<std::uint8_t> frame(1500);
    frame.resize(std::max<ssize_t>(recv(fd.get(), frame.data(), frame.size(), 0), 0));
    return frame;
  }
};

TEST_F(ArpTest, AnnouncesAsRequestAndAsReply) {
  make_wire();
  const Fd heard = listen_on(index("v1"));
  auto arp = ArpSocket::open().value();
  ASSERT_TRUE(arp.announce(index("v0"), mac("0a:00:00:00:00:01"), ip("203.0.113.10")));

  std::vector<std::uint8_t> expected = {
      0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0a, 0, 0,   0,  0, 1, 0x08, 0x06,  // broadcast, ARP
      0,    1,    0x08, 0,    6,    4,    0,    1,            // Ethernet, IPv4, request
      0x0a, 0,    0,    0,    0,    1,    203,  0, 113, 10,   // sender
      0,    0,    0,    0,    0,    0,    203,  0, 113, 10};  // target
  EXPECT_EQ(next_frame(heard), expected);
  expected[21] = 2;
  std::copy_n(expected.begin() + 22, 6, expected.begin() + 32);
  EXPECT_EQ(next_frame(heard), expected);
}

TEST_F(ArpTest, ANeighbourLearnsFromIt) {
  make_wire();
  shell("ip address add 203.0.113.1/24 dev v1");
  shell("ip neigh add 203.0.113.10 lladdr 0a:00:00:00:00:99 dev v1 nud stale");
  shell("echo 0 > /proc/sys/net/ipv4/neigh/v1/locktime");
  auto arp = ArpSocket::open().value();
  ASSERT_TRUE(arp.announce(index("v0"), mac("0a:00:00:00:00:01"), ip("203.0.113.10")));
  shell("timeout 60 sh -c 'until ip neigh show dev v1 | grep -q 0a:00:00:00:00:01; do :; done'");
}

TEST_F(ArpTest, ANeighbourLearnsFromAnIpv6AdvertisementToo) {
  make_wire();
  shell("ip address add 2001:db8::99/64 dev v1 nodad");
  shell("ip neigh add 2001:db8::10 lladdr 0a:00:00:00:00:99 dev v1 nud stale");
  auto arp = ArpSocket::open().value();
  ASSERT_TRUE(arp.announce(index("v0"), mac("0a:00:00:00:00:01"), ip("2001:db8::10")));
  shell("timeout 60 sh -c 'until ip neigh show dev v1 | grep -q 0a:00:00:00:00:01; do :; done'");
}

TEST_F(ArpTest, SaysThatALinkIsDownOrGone) {
  shell("ip link add v0 type veth peer name v1");
  auto arp = ArpSocket::open().value();
  const Mac own = mac("0a:00:00:00:00:01");
  EXPECT_EQ(arp.announce(index("v0"), own, ip("203.0.113.10")).error(),
            (Error{"announce 203.0.113.10 at 0a:00:00:00:00:01", ENETDOWN, ""}));
  EXPECT_EQ(arp.announce(999, own, ip("203.0.113.10")).error().code, ENXIO);
  EXPECT_EQ(arp.announce(index("v0"), own, ip("2001:db8::1")).error().code, ENETDOWN);
}

}  // namespace
}  // namespace novaplane::netlink
