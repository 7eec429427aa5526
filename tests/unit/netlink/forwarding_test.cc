#include <cerrno>

#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {

inline void PrintTo(const ForwardingEntry& entry, std::ostream* out) {
  *out << fmt::format("{} link {} bridge {} dst {}{}", entry.mac, entry.link, entry.bridge,
                      entry.destination ? entry.destination->to_string() : "none",
                      entry.sticky ? " sticky" : "");
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class VxlanTest : public KernelTest {
 protected:
  int make_device(const char* local = "192.0.2.1") {
    send(create_vxlan("vx5001", mac("0a:6f:00:00:00:01"), 5001, ip(local), 4789));
    return index("vx5001");
  }
  std::vector<ForwardingEntry> entries() { return list<ForwardingEntry>(Listing::forwarding); }
};

TEST_F(VxlanTest, CreatesADeviceThatIsOurs) {
  for (const char* local : {"192.0.2.1", "2001:db8::1"}) {
    make_device(local);
    const Link device = link("vx5001");
    EXPECT_EQ(device.kind, "vxlan");
    EXPECT_EQ(device.vni, 5001u);
    EXPECT_EQ(device.local, ip(local));
    EXPECT_EQ(device.udp_port, 4789);
    EXPECT_FALSE(device.learning);
    EXPECT_EQ(device.group, kOurGroup);
    EXPECT_EQ(device.mac, mac("0a:6f:00:00:00:01"));
    EXPECT_FALSE(device.up);
    EXPECT_THAT(drain<Seen<Link>>(), testing::Contains(device));
    send(delete_link("vx5001"));
  }
}

TEST_F(VxlanTest, ChangesWhatTheKernelLetsChange) {
  make_device();
  shell("ip link set vx5001 type vxlan id 5001 learning");
  EXPECT_TRUE(link("vx5001").learning);
  send(set_link("vx5001", {.local = ip("192.0.2.9"), .learning = false}));
  EXPECT_EQ(link("vx5001").local, ip("192.0.2.9"));
  EXPECT_FALSE(link("vx5001").learning);
  EXPECT_FALSE(socket_.send(set_link("vx5001", {.local = ip("2001:db8::9")})))
      << "so another family needs another device";
}

TEST_F(VxlanTest, SaysInTheKernelsWordsThatAVniIsTaken) {
  shell("ip link add theirs type vxlan id 5001 local 192.0.2.1 dstport 4789");
  const auto refused =
      socket_.send(create_vxlan("vx5001", mac("0a:6f:00:00:00:01"), 5001, ip("192.0.2.1"), 4789));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, EEXIST);
  EXPECT_NE(refused.error().words.find("VNI"), std::string::npos) << refused.error().words;
}

TEST_F(VxlanTest, SetsTheFlagsOfAPort) {
  const int device = make_device(), bridge = make_bridge("br-blue");
  send(set_link(device, {.master = bridge}));
  EXPECT_EQ(link("vx5001").port_flags, PortFlags{});
  const PortFlags flags{.learning = false, .flood = false, .neigh_suppress = true};
  send(set_link(device, {.up = true, .port_flags = flags}));
  EXPECT_EQ(link("vx5001").port_flags, flags);
  EXPECT_TRUE(link("vx5001").up);
}

TEST_F(VxlanTest, AddsMovesAndDeletesEntriesOfTheDevice) {
  for (const bool v4 : {true, false}) {
    const int device = make_device(v4 ? "192.0.2.1" : "2001:db8::1");
    const auto end = [&](const std::string& last) {
      return ip(((v4 ? "192.0.2." : "2001:db8::") + last).c_str());
    };
    const Mac web1 = mac("fa:16:3e:00:00:01");
    const ForwardingEntry first{.link = device, .mac = web1, .destination = end("2")};
    const ForwardingEntry second{.link = device, .mac = web1, .destination = end("3")};
    drain<Seen<ForwardingEntry>>();
    send(add_forwarding(first));
    send(add_forwarding(second));
    EXPECT_THAT(drain<Seen<ForwardingEntry>>(), ElementsAre(first, second));
    EXPECT_THAT(entries(), ElementsAre(second)) << "a MAC is at one place";

    const ForwardingEntry all2{.link = device, .mac = {}, .destination = end("2")};
    const ForwardingEntry all3{.link = device, .mac = {}, .destination = end("3")};
    for (int i = 0; i < 2; ++i) {
      send(add_forwarding(all2));
      send(add_forwarding(all3));
    }
    EXPECT_THAT(entries(), UnorderedElementsAre(second, all2, all3));
    send(delete_forwarding(all2));
    send(delete_forwarding(second));
    EXPECT_THAT(drain<Gone<ForwardingEntry>>(), ElementsAre(all2, second));
    EXPECT_THAT(entries(), ElementsAre(all3));
    EXPECT_EQ(socket_.send(delete_forwarding(second)).error().code, ENOENT);
    send(delete_link(device));
    EXPECT_THAT(drain<Gone<ForwardingEntry>>(), ElementsAre(all3)) << "told before the link's end";
  }
}

TEST_F(VxlanTest, AddsMovesAndDeletesEntriesOfTheBridge) {
  const int device = make_device(), bridge = make_bridge("br-blue");
  shell("ip link add v0 type veth peer name v1; ip link set v0 master br-blue up");
  send(set_link(device, {.up = true, .master = bridge}));
  const ForwardingEntry entry{
      .link = device, .mac = mac("fa:16:3e:00:00:01"), .bridge = bridge, .sticky = true};
  send(add_forwarding(entry));
  EXPECT_THAT(drain<Seen<ForwardingEntry>>(), ElementsAre(entry));
  EXPECT_THAT(entries(), ElementsAre(entry)) << "and not the MACs of the bridge and its ports";

  shell("bridge fdb replace fa:16:3e:00:00:01 dev v0 master static");
  ForwardingEntry moved = entry;
  moved.link = index("v0");
  moved.sticky = false;
  EXPECT_THAT(drain<Seen<ForwardingEntry>>(), ElementsAre(moved));
  send(add_forwarding(entry));
  EXPECT_THAT(entries(), ElementsAre(entry));
  send(delete_forwarding(entry));
  EXPECT_THAT(drain<Gone<ForwardingEntry>>(), ElementsAre(entry));
  EXPECT_EQ(socket_.send(delete_forwarding(entry)).error().code, ENOENT);
}

TEST_F(VxlanTest, PassesOverWhatIsLearned) {
  shell(
      "ip link add learns type vxlan id 7 local 192.0.2.1 dstport 4789 && "
      "bridge fdb add fa:16:3e:00:00:07 dev learns dst 192.0.2.7 self dynamic");
  EXPECT_THAT(drain<Seen<ForwardingEntry>>(), IsEmpty());
  EXPECT_THAT(entries(), IsEmpty());
}

}  // namespace
}  // namespace novaplane::netlink
