#include "dataplane/store/allocate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "tests/unit/store/clouds.h"

namespace novaplane::store::test {
namespace {

using cloud::Kind;
using testing::IsEmpty;

constexpr std::int64_t kNow = 1'700'000'000'000;
constexpr std::int64_t kMinute = 60'000;

class AllocatorTest : public testing::Test {
 protected:
  AllocatorTest() {
    put(Kind::host, "h1",
        R"({"uplinks":[{"name":"wan","interface":"eth0","gateway":"203.0.113.1"}]})");
    put(Kind::network, "blue", kNetwork);
    put(Kind::pool, "public",
        R"({"ranges":["203.0.113.0/29"],"reserved":["203.0.113.0","203.0.113.6/31"],"uplink":"wan"})");
  }
  void put(Kind kind, const std::string& name, const std::string& json) {
    ASSERT_EQ(told(host_.put(kind, name, json)), "done");
  }
  /// All that can be allocated at once.
  template <class Allocate>
  std::set<std::string> all(Allocate&& allocate) {
    std::set<std::string> found;
    for (;;) {
      const auto address = allocate();
      if (!address) return exhausted_ = address.error().words, found;
      EXPECT_TRUE(found.insert(address->to_string()).second);
    }
  }
  Allocator allocator(std::int64_t now = kNow) { return {host_.copy, random_, now}; }

  MemoryCluster cluster_;
  TestHost host_{cluster_};
  std::mt19937_64 random_{1};
  std::string exhausted_;
};

TEST_F(AllocatorTest, GivesOutEachFreeAddressOnce) {
  put(Kind::port, "web", port_json(5));
  put(Kind::port, "guest",
      R"({"network":"blue","mac":"fa:16:3e:00:00:06","address":"10.0.0.6","allowed_pairs":[{"address":"10.0.0.8/31"}]})");
  Allocator fresh = allocator();
  EXPECT_THAT(
      all([&] { return fresh.fixed_address("blue"); }),
      testing::UnorderedElementsAre("10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.7", "10.0.0.10",
                                    "10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"));
  EXPECT_EQ(exhausted_, "network blue has no free address");
  EXPECT_EQ(fresh.fixed_address("red").error().words, "there is no network red");
}

TEST_F(AllocatorTest, TakesThoseOfTheNetworksPools) {
  put(Kind::pool, "webs", R"({"ranges":["10.0.0.8/30"],"reserved":["10.0.0.9"],"network":"blue"})");
  Allocator fresh = allocator();
  EXPECT_THAT(all([&] { return fresh.fixed_address("blue"); }),
              testing::UnorderedElementsAre("10.0.0.8", "10.0.0.10", "10.0.0.11"));
}

TEST_F(AllocatorTest, GivesFloatingIpsOfAPoolItsUplink) {
  put(Kind::floating_ip, "203.0.113.2", "{}");
  put(Kind::port, "web",
      R"({"network":"blue","mac":"fa:16:3e:00:00:05","address":"10.0.0.5","host":"h1","interface":"tap1"})");
  put(Kind::port_forward, "ssh",
      R"({"address":"203.0.113.3","protocol":"tcp","port":22,"to_port":"web","to":22})");
  EXPECT_EQ(allocator().floating_ip("public")->uplink, "wan");
  Allocator fresh = allocator();
  // Not the uplink's gateway, nor what is reserved, a floating IP, or a port forward's.
  EXPECT_THAT(all([&] { return fresh.floating_address("public"); }),
              testing::UnorderedElementsAre("203.0.113.4", "203.0.113.5"));
  EXPECT_EQ(exhausted_, "pool public has no free address");
  EXPECT_EQ(fresh.floating_address("none").error().words, "there is no pool none");
}

TEST_F(AllocatorTest, LetsAnAddressRestThatWasFreed) {
  put(Kind::pool, "one", R"({"ranges":["10.0.0.5"],"network":"blue"})");
  put(Kind::port, "web", port_json(5));
  put(Kind::port, "web", port_json(6));
  EXPECT_EQ(allocator(kNow + 4 * kMinute).fixed_address("blue").error().words,
            "network blue has no free address; 1 address was freed less than 5 minutes ago");
  EXPECT_EQ(allocator(kNow + 5 * kMinute).fixed_address("blue")->to_string(), "10.0.0.5");
  // Another host that has just begun knows it as well.
  TestHost other(cluster_, {}, 2);
  other.follower.follow();
  EXPECT_FALSE(Allocator(other.copy, random_, kNow + 4 * kMinute).fixed_address("blue"));
}

TEST_F(AllocatorTest, CompletesPortsOfOneProposal) {
  std::vector<cloud::ObjectEdit> edits;
  for (const char* name : {"a", "b", "c"}) {
    cloud::Findings findings;
    auto read = cloud::read_json(host_.copy.cloud(), {Kind::port, name},
                                 name == std::string("c") ? port_json(5) : R"({"network":"blue"})",
                                 findings, {.optional = {"mac", "address"}});
    ASSERT_TRUE(read && findings.empty());
    edits.push_back({{Kind::port, name}, std::move(read->object)});
  }
  ASSERT_TRUE(allocator().complete(edits));
  const auto outcome = host_.committer.commit(
      [&](const Copy&) -> tl::expected<Proposal, Declined> {
        return Proposal{edits, {}};
      },
      "test");
  EXPECT_EQ(told(outcome), "done");
  std::set<IpAddress> addresses;
  for (const auto& [name, port] : host_.copy.cloud().ports) addresses.insert(port.address);
  EXPECT_EQ(addresses.size(), 3u);
  EXPECT_EQ(host_.copy.cloud().ports.at("a").mac.to_string().substr(0, 8), "fa:16:3e");
}

TEST_F(AllocatorTest, TellsTheUseOfAPool) {
  put(Kind::floating_ip, "203.0.113.2", "{}");
  put(Kind::floating_ip, "203.0.113.6", "{}");
  put(Kind::port, "web", port_json(5));
  put(Kind::pool, "webs", R"({"ranges":["10.0.0.4/30"],"network":"blue"})");
  const PoolUse of_public = use_of(host_.copy, host_.copy.pools().at("public"));
  EXPECT_EQ(of_public.total, 5u);
  EXPECT_EQ(of_public.used, 1u);
  const PoolUse of_webs = use_of(host_.copy, host_.copy.pools().at("webs"));
  EXPECT_EQ(of_webs.total, 4u);
  EXPECT_EQ(of_webs.used, 1u);
}

}  // namespace
}  // namespace novaplane::store::test
