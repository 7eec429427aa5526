#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "dataplane/netlink/sysctl.h"
#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::Not;

class LinkTest : public KernelTest {};

TEST_F(LinkTest, CreatesABridgeThatIsOurs) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));

  const Link bridge = link("br-blue");
  EXPECT_EQ(bridge.kind, "bridge");
  EXPECT_EQ(bridge.mac, mac("0a:00:00:00:00:01"));
  EXPECT_EQ(bridge.group, kOurGroup);
  EXPECT_EQ(bridge.mtu, 1500u);
  EXPECT_FALSE(bridge.up);
  EXPECT_FALSE(bridge.stp);
  EXPECT_EQ(bridge.forward_delay, 0u);
  EXPECT_FALSE(bridge.linklocal_learn);
  EXPECT_THAT(list<Link>(Listing::links), Contains(bridge));
  EXPECT_THAT(drain<Seen<Link>>(), Contains(bridge));
}

TEST_F(LinkTest, KeepsTheBridgesMacWhenAPortWithALowerOneJoins) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  shell("ip link add v0 address 02:00:00:00:00:01 type veth peer name v1");
  send(set_link("v0", {.master = index("br-blue")}));
  EXPECT_EQ(link("br-blue").mac, mac("0a:00:00:00:00:01"));
}

TEST_F(LinkTest, NamesABridgeInTheSendThatCreatesIt) {
  Request requests[] = {create_bridge("br-blue", mac("0a:00:00:00:00:01")),
                        set_link("br-blue", {.alias = "novaplane network blue"})};
  for (const auto& result : socket_.send(requests)) EXPECT_TRUE(result);
  EXPECT_EQ(link("br-blue").alias, "novaplane network blue");
}

TEST_F(LinkTest, RefusesAnAliasThatTheKernelWouldCut) {
  send(set_link("lo", {.alias = std::string(255, 'x')}));
  const auto longer = socket_.send(set_link("lo", {.alias = std::string(256, 'y')}));
  ASSERT_FALSE(longer);
  EXPECT_EQ(longer.error().code, ENAMETOOLONG);
  EXPECT_THAT(longer.error().words, testing::HasSubstr("a link's alias has at most 255 bytes"));
  EXPECT_EQ(link("lo").alias, std::string(255, 'x'));
  send(set_link("lo", {.alias = ""}));
  EXPECT_EQ(link("lo").alias, "");
}

TEST_F(LinkTest, SetsEverythingOfALinkAtOnce) {
  const int bridge = make_bridge("br-blue");
  shell("ip link add v0 type veth peer name v1");
  drain<Seen<Link>>();

  send(set_link(index("v0"), {.mac = mac("0a:00:00:00:00:02"),
                              .mtu = 1450,
                              .up = true,
                              .master = bridge,
                              .group = 77,
                              .alias = "web",
                              .route_localnet = true}));
  const Link port = link("v0");
  EXPECT_EQ(port.mac, mac("0a:00:00:00:00:02"));
  EXPECT_EQ(port.mtu, 1450u);
  EXPECT_TRUE(port.up);
  EXPECT_EQ(port.master, bridge);
  EXPECT_EQ(port.group, 77u);
  EXPECT_EQ(port.alias, "web");
  EXPECT_TRUE(port.route_localnet);
  EXPECT_EQ(port.kind, "veth");
  EXPECT_EQ(port.parent, index("v1"));
  EXPECT_THAT(drain<Seen<Link>>(), Contains(port));

  send(set_link(index("v0"), {.up = false, .master = 0, .route_localnet = false}));
  const Link freed = link("v0");
  EXPECT_FALSE(freed.up);
  EXPECT_EQ(freed.master, 0);
  EXPECT_FALSE(freed.route_localnet);
  EXPECT_EQ(freed.mtu, 1450u);
}

TEST_F(LinkTest, SetsWhatOnlyABridgeHas) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  send(set_link("br-blue", {.stp = true, .forward_delay = 400}));
  EXPECT_TRUE(link("br-blue").stp);
  EXPECT_EQ(link("br-blue").forward_delay, 400u);
  // No delay while STP is on, not even in the request that turns it off.
  EXPECT_EQ(socket_.send(set_link("br-blue", {.stp = false, .forward_delay = 0})).error().code,
            ERANGE);
  send(set_link("br-blue", {.stp = false}));
  send(set_link("br-blue", {.forward_delay = 0, .linklocal_learn = true}));
  EXPECT_TRUE(link("br-blue").linklocal_learn);
  EXPECT_FALSE(link("br-blue").stp);
  EXPECT_EQ(link("br-blue").forward_delay, 0u);
}

TEST_F(LinkTest, SaysInTheKernelsWordsWhyABridgeIsNoPort) {
  const int first = make_bridge("br-1");
  send(create_bridge("br-2", mac("02:00:00:00:00:02")));
  const auto result = socket_.send(set_link("br-2", {.master = first}));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), (Error{"", ELOOP, "Can not enslave a bridge to a bridge"}));
}

TEST_F(LinkTest, RefusesANameThatIsTakenOrUnknown) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  EXPECT_EQ(socket_.send(create_bridge("br-blue", mac("0a:00:00:00:00:01"))).error().code, EEXIST);
  EXPECT_EQ(socket_.send(set_link("br-red", {.up = true})).error().code, ENODEV);
  EXPECT_EQ(socket_.send(set_link(999, {.up = true})).error().code, ENODEV);
  EXPECT_EQ(socket_.link(999).error().code, ENODEV);
}

TEST_F(LinkTest, NamesWithMoreThanFifteenBytesAreRefusedAndNotCut) {
  const std::string longest(15, 'n'), longer(16, 'n'), much_longer(5000, 'n');
  send(create_bridge(longest, mac("0a:00:00:00:00:01")));
  for (const std::string& name : {longer, much_longer}) {
    for (const Request& request :
         {create_bridge(name, mac("0a:00:00:00:00:02")),
          create_vlan(name, mac("0a:00:00:00:00:02"), 1, 101),
          create_vxlan(name, mac("0a:00:00:00:00:02"), 1, ip("192.0.2.1"), 4789),
          set_link(name, {.up = true}), delete_link(name)}) {
      const auto result = socket_.send(request);
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, ENAMETOOLONG);
    }
  }
  EXPECT_EQ(link(longest).name, longest);
}

TEST_F(LinkTest, DeletesALink) {
  const int bridge = make_bridge("br-blue");
  drain<Seen<Link>>();
  send(delete_link(bridge));
  EXPECT_EQ(socket_.index_of("br-blue").error().code, ENODEV);
  EXPECT_THAT(drain<Gone<Link>>(), ElementsAre(Field(&Link::index, bridge)));
}

TEST_F(LinkTest, DeletesTheDoomedAndNoOthers) {
  for (const char* name : {"br-1", "br-2", "br-3"}) {
    send(create_bridge(name, mac("0a:00:00:00:00:01")));
  }
  send(set_link("br-1", {.group = kDoomedGroup}));
  send(set_link("br-3", {.group = kDoomedGroup}));
  send(delete_group(kDoomedGroup));

  const auto links = list<Link>(Listing::links);
  EXPECT_THAT(links, Contains(Field(&Link::name, "br-2")));
  EXPECT_THAT(links, Not(Contains(Field(&Link::group, kDoomedGroup))));
  EXPECT_THAT(drain<Gone<Link>>(), testing::SizeIs(2));
}

TEST_F(LinkTest, SparesAllOfAGroupWhenOneOfItCannotGo) {
  send(create_bridge("br-1", mac("0a:00:00:00:00:01")));
  send(set_link("br-1", {.group = kDoomedGroup}));
  send(set_link("lo", {.group = kDoomedGroup}));
  EXPECT_FALSE(socket_.send(delete_group(kDoomedGroup)));
  EXPECT_TRUE(socket_.index_of("br-1"));
}

TEST_F(LinkTest, ReadsWhatSysctlsSay) {
  send(create_bridge("br.100", mac("0a:00:00:00:00:01")));
  EXPECT_TRUE(link("br.100").ipv6);
  EXPECT_TRUE(write_sysctl("net/ipv6/conf/br.100/disable_ipv6", "1"));
  EXPECT_TRUE(write_sysctl("net/ipv4/conf/br.100/arp_ignore", "2"));
  EXPECT_TRUE(write_sysctl("net/ipv4/conf/br.100/route_localnet", "1"));
  const Link bridge = link("br.100");
  EXPECT_FALSE(bridge.ipv6);
  EXPECT_EQ(bridge.arp_ignore, 2);
  EXPECT_TRUE(bridge.route_localnet);
  EXPECT_THAT(list<Link>(Listing::links), Contains(bridge));
}

TEST_F(LinkTest, SetsRouteLocalnetWhereTheSysctlShowsIt) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  send(set_link("br-blue", {.route_localnet = true}));
  EXPECT_EQ(read_sysctl("net/ipv4/conf/br-blue/route_localnet"), "1");
}

TEST_F(LinkTest, ALinkTooNarrowForIpv6HasNone) {
  send(create_bridge("br-blue", mac("0a:00:00:00:00:01")));
  send(set_link("br-blue", {.mtu = 1000}));
  EXPECT_FALSE(link("br-blue").ipv6);
}

TEST_F(LinkTest, ReadsThePortsHairpinMode) {
  make_bridge("br-blue");
  shell("ip link add v0 type veth peer name v1; ip link set v0 master br-blue");
  EXPECT_FALSE(link("v0").hairpin);
  shell("ip link set v0 type bridge_slave hairpin on");
  EXPECT_TRUE(link("v0").hairpin);
}

TEST_F(LinkTest, APeerInAnotherNamespaceIsNoParent) {
  const std::string here = fmt::format("/proc/{}/fd/{}", getpid(), netns_.fd());
  const test::NetworkNamespace elsewhere;
  shell("ip link add v0 type veth peer name v1 netns " + here);
  const auto links = list<Link>(Listing::links);
  EXPECT_THAT(links, Contains(testing::AllOf(Field(&Link::name, "v1"), Field(&Link::parent, 0))));
}

TEST_F(LinkTest, APortThatLeavesIsNotGone) {
  const int bridge = make_bridge("br-blue");
  shell("ip link add v0 type veth peer name v1");
  send(set_link("v0", {.master = bridge}));
  drain<Seen<Link>>();

  send(set_link("v0", {.master = 0}));  // the bridge itself says RTM_DELLINK of it, in its family
  std::vector<Link> seen, gone;
  const auto complete = monitor_.drain([&](Observation&& observation) {
    if (auto* event = std::get_if<Seen<Link>>(&observation)) seen.push_back(event->value);
    if (auto* event = std::get_if<Gone<Link>>(&observation)) gone.push_back(event->value);
  });
  EXPECT_TRUE(complete.value());
  EXPECT_THAT(gone, IsEmpty());
  EXPECT_THAT(seen, Contains(link("v0")));
}

}  // namespace
}  // namespace novaplane::netlink
