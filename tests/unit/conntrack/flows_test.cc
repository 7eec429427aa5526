#include "dataplane/conntrack/flows.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "tests/support/deadline.h"
#include "tests/support/netns.h"

namespace novaplane::conntrack {
namespace {

using testing::ElementsAre;
using Which = FlowFilter::Which;

std::string output(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> part;
  for (std::size_t size; (size = fread(part.data(), 1, part.size(), pipe.get())) > 0;) {
    text.append(part.data(), size);
  }
  return text;
}

void run(const std::string& command) { ASSERT_EQ(output(command), "") << command; }

Fd make_namespace() {
  const test::NetworkNamespace fresh;
  return Fd(dup(fresh.fd()));
}

/// The thread is in another namespace as long as this lives.
class Inside {
 public:
  Inside(const Fd& where, int back) : back_(back) { setns(where.get(), CLONE_NEWNET); }
  ~Inside() { setns(back_, CLONE_NEWNET); }

 private:
  int back_;
};

sockaddr_in address_of(const char* ip, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  inet_pton(AF_INET, ip, &address.sin_addr);
  return address;
}

Fd socket_at(int type, const char* ip, int port) {
  Fd fd(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const sockaddr_in from = address_of(ip, port);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&from), sizeof(from)), 0);
  return fd;
}

/// The thread lives on a host between a network (guests 10.0.0.10 and 10.0.0.11) and the world
/// (198.51.100.9), with real NAT; flows are known by the port that they come from.
class FlowsTest : public testing::TestWithParam<Flows::Way> {
 protected:
  void SetUp() override {
    wire("guest", guest_, "10.0.0.1/24", "10.0.0.10/24", "10.0.0.1");
    wire("world", world_, "198.51.100.1/24", "198.51.100.9/24", "198.51.100.1");
    {
      const Inside inside(guest_, host_.fd());
      run("ip address add 10.0.0.11/24 dev eth0");
    }
    run("echo 1 > /proc/sys/net/ipv4/ip_forward");
    run("nft 'table ip t { chain p { type nat hook prerouting priority dstnat; "
        "ip daddr 203.0.113.1 dnat to 10.0.0.10; }; "
        "chain s { type nat hook postrouting priority srcnat; oifname world "
        "ip saddr 10.0.0.10 snat to 203.0.113.1; oifname world masquerade; }; "
        "chain m { type filter hook postrouting priority 200; "
        "udp sport 1005 ct mark set 0x00000107; }; }'");
  }

  void wire(const std::string& link, const Fd& other, const std::string& here,
            const std::string& there, const std::string& router) {
    run("ip link add " + link + " type veth peer name eth0 netns /proc/" +
        std::to_string(getpid()) + "/fd/" + std::to_string(other.get()));
    run("ip address add " + here + " dev " + link + "; ip link set " + link + " up");
    const Inside inside(other, host_.fd());
    run("ip link set lo up; ip address add " + there + " dev eth0; ip link set eth0 up; " +
        "ip route add default via " + router);
  }

  void udp(const Fd& where, const char* from, int port, const char* to) {
    const Inside inside(where, host_.fd());
    const Fd fd = socket_at(SOCK_DGRAM, from, port);
    const sockaddr_in target = address_of(to, 9);
    ASSERT_EQ(
        sendto(fd.get(), "x", 1, 0, reinterpret_cast<const sockaddr*>(&target), sizeof(target)), 1);
  }

  /// An established connection from the world to the guest.
  void tcp(int port, const char* to) {
    Fd server, client;
    {
      const Inside inside(guest_, host_.fd());
      server = socket_at(SOCK_STREAM, "10.0.0.10", 80);
      ASSERT_EQ(listen(server.get(), 1), 0);
    }
    const Inside inside(world_, host_.fd());
    client = socket_at(SOCK_STREAM, "198.51.100.9", port);
    const sockaddr_in target = address_of(to, 80);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&target), sizeof(target)), 0);
    sockets_.push_back(std::move(server));
    sockets_.push_back(std::move(client));
  }

  /// A link may take a moment until it carries, so what was lost is sent again.
  void all_flows() {
    const std::set<int> all = {1001, 1002, 1003, 1004, 1005, 1006, 1007};
    tcp(1002, "203.0.113.1");
    const auto deadline = std::chrono::steady_clock::now() + test::kHangs;
    while (flows() != all && std::chrono::steady_clock::now() < deadline) {
      udp(world_, "198.51.100.9", 1001, "203.0.113.1");  // to the floating IP
      udp(guest_, "10.0.0.10", 1003, "198.51.100.9");    // leaves with the floating IP
      udp(guest_, "10.0.0.11", 1004, "198.51.100.9");    // leaves with the host's address
      udp(guest_, "10.0.0.11", 1005, "198.51.100.9");    // the same, marked
      udp(guest_, "10.0.0.11", 1006, "10.0.0.1");        // ends at the host: untranslated
      udp(world_, "198.51.100.9", 1007, "198.51.100.1");
    }
    ASSERT_EQ(flows(), all);
  }

  /// The original source ports of all flows.
  static std::set<int> flows() {
    std::set<int> ports;
    const std::string text = output("conntrack -L 2>/dev/null");
    for (std::size_t line = 0; line < text.size(); line = text.find('\n', line) + 1) {
      ports.insert(std::stoi(text.substr(text.find("sport=", line) + 6)));
    }
    return ports;
  }

  static IpAddress ip(const char* text) { return *IpAddress::parse(text); }

  void forget(std::vector<FlowFilter> filters) {
    const auto forgotten = flows_.forget(filters, GetParam());
    ASSERT_TRUE(forgotten) << forgotten.error().message();
  }

  test::NetworkNamespace host_;
  Fd guest_ = make_namespace(), world_ = make_namespace();
  std::vector<Fd> sockets_;
  Flows flows_ = *Flows::open();
};

TEST_P(FlowsTest, UnbindingAFloatingIpTakesItsFlowsBothWays) {
  all_flows();
  forget({{Which::original_destination, ip("203.0.113.1")},
          {Which::reply_destination, ip("203.0.113.1")}});
  EXPECT_THAT(flows(), ElementsAre(1004, 1005, 1006, 1007));
}

TEST_P(FlowsTest, InboundOnly) {
  all_flows();
  forget({{Which::original_destination, ip("203.0.113.1")}});
  EXPECT_THAT(flows(), ElementsAre(1003, 1004, 1005, 1006, 1007));
}

TEST_P(FlowsTest, OutboundOnly) {
  all_flows();
  forget({{Which::reply_destination, ip("203.0.113.1")}});
  EXPECT_THAT(flows(), ElementsAre(1001, 1002, 1004, 1005, 1006, 1007));
}

TEST_P(FlowsTest, BindingTakesTranslatedFlowsOfTheGuestOnly) {
  all_flows();
  forget({{Which::translated_source, ip("10.0.0.11")}});
  EXPECT_THAT(flows(), ElementsAre(1001, 1002, 1003, 1006, 1007));
}

TEST_P(FlowsTest, BindingLeavesWhatCarriesTheAddressAlready) {
  all_flows();
  FlowFilter filter{Which::translated_source, ip("10.0.0.10")};
  filter.keep = ip("203.0.113.1");
  forget({filter});
  EXPECT_EQ(flows().size(), 7u);
  filter.keep = ip("203.0.113.2");
  forget({filter});
  EXPECT_THAT(flows(), ElementsAre(1001, 1002, 1004, 1005, 1006, 1007));
}

TEST_P(FlowsTest, BindingLeavesWhatReachesTheGuestAlready) {
  all_flows();
  FlowFilter filter{Which::original_destination, ip("203.0.113.1")};
  filter.keep = ip("10.0.0.10");
  forget({filter});
  EXPECT_EQ(flows().size(), 7u);
  filter.keep = ip("10.0.0.11");
  forget({filter});
  EXPECT_THAT(flows(), ElementsAre(1003, 1004, 1005, 1006, 1007));
}

TEST_P(FlowsTest, OneServiceOfAnAddressOnly) {
  all_flows();
  FlowFilter filter{Which::original_destination, ip("203.0.113.1")};
  filter.protocol = IPPROTO_TCP;
  filter.port = 22;
  forget({filter});
  EXPECT_EQ(flows().size(), 7u);
  filter.port = 80;
  forget({filter});
  EXPECT_THAT(flows(), ElementsAre(1001, 1003, 1004, 1005, 1006, 1007));
}

TEST_P(FlowsTest, ByMark) {
  all_flows();
  forget({{Which::mark, {}, 0x100, 0xff00}});
  EXPECT_THAT(flows(), ElementsAre(1001, 1002, 1003, 1004, 1006, 1007));
}

/// What a dead router carried: a bridge's flows, translated by nobody here.
TEST_P(FlowsTest, UntranslatedBeyondItsNetworkOnly) {
  all_flows();
  FlowFilter guest{Which::untranslated, ip("10.0.0.11")};
  guest.within = *Prefix::parse("10.0.0.0/24");
  forget({guest});
  EXPECT_EQ(flows().size(), 7u) << "translated ones stay, and those inside";
  guest.within = *Prefix::parse("10.0.0.8/29");
  forget({guest});
  EXPECT_THAT(flows(), ElementsAre(1001, 1002, 1003, 1004, 1005, 1007));
  FlowFilter world{Which::untranslated, ip("198.51.100.9")};
  world.within = *Prefix::parse("198.51.100.8/29");
  forget({world});
  EXPECT_THAT(flows(), ElementsAre(1001, 1002, 1003, 1004, 1005)) << "either end of a flow";
}

TEST_P(FlowsTest, AnAddressThatStartsAlikeIsAnother) {
  all_flows();
  forget({{Which::original_destination, ip("203.0.113.10")},
          {Which::translated_source, ip("10.0.0.1")}});
  EXPECT_EQ(flows().size(), 7u);
}

TEST_P(FlowsTest, AnAddressWithoutFlowsIsNoError) {
  forget({{Which::original_destination, ip("203.0.113.77")}});
  forget({{Which::original_destination, ip("2001:db8::1")}});
  forget({});
}

INSTANTIATE_TEST_SUITE_P(BothWays, FlowsTest,
                         testing::Values(Flows::Way::filtered, Flows::Way::listed),
                         [](const auto& info) {
                           return info.param == Flows::Way::filtered ? "Filtered" : "Listed";
                         });

class ManyFlowsTest : public testing::Test {
 protected:
  /// As ctnetlink makes them; the kernel cannot tell them from real ones.
  void make(std::uint32_t source, std::uint32_t destination, std::uint16_t port) {
    const std::unique_ptr<nf_conntrack, void (*)(nf_conntrack*)> flow(nfct_new(), nfct_destroy);
    nfct_set_attr_u8(flow.get(), ATTR_L3PROTO, AF_INET);
    nfct_set_attr_u32(flow.get(), ATTR_IPV4_SRC, htonl(source));
    nfct_set_attr_u32(flow.get(), ATTR_IPV4_DST, htonl(destination));
    nfct_set_attr_u8(flow.get(), ATTR_L4PROTO, IPPROTO_UDP);
    nfct_set_attr_u16(flow.get(), ATTR_PORT_SRC, htons(port));
    nfct_set_attr_u16(flow.get(), ATTR_PORT_DST, htons(53));
    nfct_setobjopt(flow.get(), NFCT_SOPT_SETUP_REPLY);
    nfct_set_attr_u32(flow.get(), ATTR_TIMEOUT, 600);
    ASSERT_EQ(nfct_query(handle_.get(), NFCT_Q_CREATE, flow.get()), 0);
  }

  static int count() { return std::stoi(output("conntrack -C")); }

  test::NetworkNamespace netns_;
  std::unique_ptr<nfct_handle, int (*)(nfct_handle*)> handle_{nfct_open(CONNTRACK, 0), nfct_close};
  Flows flows_ = *Flows::open();
};

TEST_F(ManyFlowsTest, ManyFiltersShareOneListing) {
  constexpr std::uint32_t kGuests = 100;
  std::vector<FlowFilter> filters;
  for (std::uint32_t i = 0; i < kGuests; ++i) {
    for (std::uint16_t port = 1; port <= 20; ++port) make(0x0a000000 + i, 0xc6336409, port);
    if (i % 2 == 0) filters.push_back({Which::reply_destination, IpAddress::v4(0x0a000000 + i)});
  }
  ASSERT_EQ(count(), 2000);
  ASSERT_TRUE(flows_.forget(filters));
  EXPECT_EQ(count(), 1000);
}

TEST_F(ManyFlowsTest, AsksTheKernelOnceWhatItCanAndLeavesNothingBehind) {
  const auto way = flows_.best_way();
  ASSERT_TRUE(way) << way.error().message();
  EXPECT_EQ(count(), 0);
  EXPECT_EQ(flows_.best_way(), way);
  make(0x0a000001, 0xc6336409, 1);
  ASSERT_TRUE(flows_.forget(
      std::vector<FlowFilter>{{Which::original_destination, *IpAddress::parse("198.51.100.9")}}));
  EXPECT_EQ(count(), 0);
}

}  // namespace
}  // namespace novaplane::conntrack
