#include "dataplane/engine/host/egress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/example.h"

namespace novaplane::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Health = UplinkStatus::Health;

/// A host with three uplinks: wan, wan2 and wan3 on eth0, eth2 and eth3.
class EgressTest : public testing::Test {
 protected:
  EgressTest() {
    host().uplinks.clear();
    add("wan", "eth0", "198.51.100.1");
    add("wan2", "eth2", "192.0.2.1");
    add("wan3", "eth3", "203.0.113.1");
  }
  cloud::Host& host() { return example_.host(); }
  void add(const std::string& name, const std::string& interface, const char* gateway) {
    cloud::Uplink& uplink = host().uplinks.emplace_back();
    uplink.name = name;
    uplink.interface = interface;
    uplink.gateway = test::ip(gateway);
    example_.link(interface);
  }
  std::vector<std::string> used() {
    Uplinks all;
    for (const cloud::Uplink& uplink : host().uplinks) all.push_back(&uplink);
    std::vector<std::string> names;
    for (const auto* uplink : in_use(host(), example_.facts, all)) names.push_back(uplink->name);
    return names;
  }
  UplinkStatus& status(const std::string& name) { return example_.facts.uplinks[name]; }

  test::Example example_;
};

TEST_F(EgressTest, TheFirstThatWorksIsUsed) {
  EXPECT_THAT(used(), ElementsAre("wan"));
  example_.facts.without_carrier.insert("eth0");
  EXPECT_THAT(used(), ElementsAre("wan2"));
  status("wan2").health = Health::dead;
  EXPECT_THAT(used(), ElementsAre("wan3"));
  example_.facts.links.erase("eth3");
  EXPECT_THAT(used(), ElementsAre("wan")) << "better one that may be dead than none";
  example_.facts.down = {"eth0", "eth2"};
  EXPECT_THAT(used(), IsEmpty());
}

TEST_F(EgressTest, WorseOnesAreUsedWhereThereIsNoBetter) {
  status("wan").health = Health::held;
  status("wan2").drained = true;
  status("wan3").standby = true;
  EXPECT_THAT(used(), ElementsAre("wan3"));
  status("wan3").health = Health::dead;
  EXPECT_THAT(used(), ElementsAre("wan"));
  status("wan").health = Health::dead;
  EXPECT_THAT(used(), ElementsAre("wan2"));
}

TEST_F(EgressTest, BalancedAllThatWorkAreUsed) {
  host().uplink_policy = cloud::UplinkPolicy::balance;
  host().uplinks[1].weight = 3;
  status("wan3").health = Health::dead;
  EXPECT_THAT(used(), ElementsAre("wan", "wan2"));
  Uplinks both{&host().uplinks[0], &host().uplinks[1]};
  EXPECT_EQ(default_route(both)->next_hops,
            (std::vector<NextHop>{{"eth0", test::ip("198.51.100.1"), 1},
                                  {"eth2", test::ip("192.0.2.1"), 3}}));
  status("wan").health = Health::dead;
  EXPECT_THAT(used(), ElementsAre("wan2"));
}

/// Flows bear the number: they stay where they are when another uplink is to be preferred.
TEST_F(EgressTest, AnUplinkKeepsItsNumberWhateverItsPlace) {
  const auto numbers = [&] {
    std::map<std::string, std::uint32_t> found;
    for (const cloud::Uplink& uplink : host().uplinks) {
      found[uplink.name] = *slot_of(host(), uplink);
    }
    return found;
  };
  const auto before = numbers();
  EXPECT_EQ(before, (std::map<std::string, std::uint32_t>{{"wan", 1}, {"wan2", 2}, {"wan3", 3}}));
  std::swap(host().uplinks[0], host().uplinks[2]);
  EXPECT_EQ(numbers(), before);
}

TEST_F(EgressTest, NetworksOfOneOrderShareItsNumber) {
  example_.add_network("green", "10.1.0.0/24").uplinks = {"wan2", "wan"};
  example_.add_network("red", "10.2.0.0/24").uplinks = {"wan2", "wan"};
  example_.add_network("white", "10.3.0.0/24").uplinks = {"wan", "wan2", "wan3"};
  example_.add_network("yellow", "10.4.0.0/24").uplinks = {"wan3"};
  const auto number = [&](const std::string& name) {
    return preference_number(example_.cloud, host(), example_.network(name));
  };
  EXPECT_EQ(number("blue"), 1U);
  EXPECT_EQ(number("green"), 2U);
  EXPECT_EQ(number("red"), 2U);
  EXPECT_EQ(number("white"), 1U) << "named, but the host's own";
  EXPECT_EQ(number("yellow"), 3U);
  const auto orders = uplink_preferences(example_.cloud, host());
  ASSERT_EQ(orders.size(), 3U);
  EXPECT_EQ(orders[2].uplinks, Uplinks{&host().uplinks[2]});
}

TEST_F(EgressTest, OneUplinkNeedsNoTablesUnlessTheHostsOwnTrafficTakesIt) {
  host().uplinks.resize(1);
  EXPECT_FALSE(switches_uplinks(host()));
  host().manage_host_default = true;
  EXPECT_TRUE(switches_uplinks(host()));
}

}  // namespace
}  // namespace novaplane::engine
