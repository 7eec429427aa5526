#include <linux/neighbour.h>

#include <cerrno>

#include "tests/unit/netlink/kernel_test.h"

namespace novaplane::netlink {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class NeighbourTest : public KernelTest {
 protected:
  Neighbour permanent(const char* address, const char* at) {
    return {.link = bridge_,
            .address = ip(address),
            .mac = mac(at),
            .state = NUD_PERMANENT,
            .protocol = kOurProtocol};
  }
  /// What was told of one that is gone, since the last call. The kernel lets go of others
  /// meanwhile: those of the multicast groups that the bridge has joined.
  std::vector<Neighbour> drain_gone(const char* address) {
    auto gone = drain<Gone<Neighbour>>();
    std::erase_if(gone, [&](const Neighbour& other) { return other.address != ip(address); });
    return gone;
  }

  const int bridge_ = make_bridge("br-blue");
};

TEST_F(NeighbourTest, AddsReplacesAndDeletesAPermanentOne) {
  for (const char* address : {"10.0.0.9", "fd00::9"}) {
    const Neighbour first = permanent(address, "02:00:00:00:00:09");
    send(add_neighbour({.link = bridge_, .address = first.address, .mac = first.mac}));
    EXPECT_THAT(list<Neighbour>(Listing::neighbours), ElementsAre(first));
    EXPECT_THAT(drain<Seen<Neighbour>>(), ElementsAre(first));

    const Neighbour second = permanent(address, "02:00:00:00:00:0a");
    send(add_neighbour(second));
    EXPECT_THAT(list<Neighbour>(Listing::neighbours), ElementsAre(second));

    send(delete_neighbour(second));
    EXPECT_THAT(list<Neighbour>(Listing::neighbours), IsEmpty());
    const auto gone = drain_gone(address);
    ASSERT_EQ(gone.size(), 1u);
    EXPECT_EQ(gone[0].protocol, kOurProtocol);
    EXPECT_EQ(socket_.send(delete_neighbour(second)).error().code, ENOENT);
  }
}

TEST_F(NeighbourTest, AddsAndDeletesAProxy) {
  for (const char* address : {"203.0.113.10", "2001:db8::10"}) {
    const Neighbour proxy{.link = bridge_, .address = ip(address), .proxy = true};
    send(add_neighbour(proxy));
    const auto proxies = list<Neighbour>(Listing::proxies);
    ASSERT_EQ(proxies.size(), 1u);
    EXPECT_EQ(proxies[0].link, bridge_);
    EXPECT_EQ(proxies[0].address, ip(address));
    EXPECT_TRUE(proxies[0].proxy);
    EXPECT_EQ(proxies[0].protocol, kOurProtocol);
    EXPECT_FALSE(proxies[0].mac);
    EXPECT_THAT(list<Neighbour>(Listing::neighbours), IsEmpty());
    send(delete_neighbour(proxy));
    EXPECT_THAT(list<Neighbour>(Listing::proxies), IsEmpty());
  }
}

TEST_F(NeighbourTest, PassesOverWhatTheKernelLearnt) {
  shell("ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev br-blue nud reachable");
  EXPECT_THAT(list<Neighbour>(Listing::neighbours), IsEmpty());
  EXPECT_THAT(drain<Seen<Neighbour>>(), IsEmpty());
  // The kernel may have let it go by itself: the bridge has no carrier.
  shell("ip neigh del 10.0.0.7 dev br-blue 2>/dev/null || true");
  EXPECT_THAT(drain<Seen<Neighbour>>(), IsEmpty());
}

TEST_F(NeighbourTest, HearsThatAForeignPermanentOneIsGone) {
  shell("ip neigh add 10.0.0.7 lladdr 02:00:00:00:00:07 dev br-blue nud permanent");
  const auto listed = list<Neighbour>(Listing::neighbours);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].protocol, 0);
  EXPECT_EQ(drain<Seen<Neighbour>>(), listed);
  shell("ip neigh del 10.0.0.7 dev br-blue");
  EXPECT_EQ(drain_gone("10.0.0.7").size(), 1u);
}

TEST_F(NeighbourTest, ABridgesForwardingEntriesAreNoNeighbours) {
  shell("ip link add v0 type veth peer name v1; ip link set v0 master br-blue up");
  shell("bridge fdb add 02:00:00:00:00:77 dev v0 master static");
  EXPECT_THAT(drain<Seen<Neighbour>>(), IsEmpty());
  EXPECT_THAT(list<Neighbour>(Listing::neighbours), IsEmpty());
}

}  // namespace
}  // namespace novaplane::netlink
