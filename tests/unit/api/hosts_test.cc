#include "dataplane/store/host_report.h"
#include "tests/unit/api/asked.h"
#include "tests/unit/store/clouds.h"

/// GET /v1/status/hosts and /v1/status/pools.
namespace novaplane::api::test {
namespace {

using store::HostReport;
using store::test::MemoryCluster;
using store::test::TestHost;
using testing::HasSubstr;
using testing::StartsWith;

class HostsTest : public testing::Test {
 protected:
  HostsTest() {
    for (const char* name : {"h1", "h2", "h3"}) {
      EXPECT_EQ(ask("PUT", std::string("/v1/hosts/") + name, "{}").status, 201u);
    }
  }
  void tell(const std::string& host, const HostReport& report, bool is_alive = true) {
    ASSERT_TRUE(host_.store.put_status({host, to_json(report), 1}));
    if (is_alive) {
      ASSERT_TRUE(host_.store.keep_alive(host));
    }
  }
  Json hosts() {
    const Reply reply = ask("GET", "/v1/status/hosts");
    EXPECT_EQ(reply.status, 200u) << told(reply);
    return json_of(reply);
  }

  MemoryCluster cluster_;
  TestHost host_{cluster_};
  Asked ask{host_.store, host_.copy, host_.follower, host_.committer};
};

TEST_F(HostsTest, EachHostHasWhatItHasToldLast) {
  tell("h2", {"0.2.0", 1, 2, 1'700'000'000'000, 1, {{"port web", "no \"room\""}}, {}, {}});
  const Json answer = hosts();
  EXPECT_EQ(answer["revision"], 3);
  const Json h2 = answer["hosts"]["h2"];
  EXPECT_EQ(h2["alive"], true);
  EXPECT_EQ(h2["in_cloud"], true);
  EXPECT_EQ(h2["revision"], 2);
  EXPECT_EQ(h2["behind"], 1);
  EXPECT_EQ(h2["since"], 1'700'000'000'000);
  EXPECT_EQ(h2["version"], "0.2.0");
  EXPECT_EQ(h2["format"], 1);
  EXPECT_TRUE(h2["hold"].is_null());
  EXPECT_EQ(h2["failing"], 1);
  EXPECT_EQ(h2["failures"], Json::parse(R"([{"object":"port web","reason":"no \"room\""}])"));
  EXPECT_GT(h2["age"], 0);
  EXPECT_EQ(answer["hosts"]["h3"], Json::parse(R"({"alive":false,"in_cloud":true})"));
}

TEST_F(HostsTest, ItsOwnIsAsItIsNow) {
  tell("h1", {"0.0.9", 1, 2, 5, 0, {}, {}, {}}, /*is_alive=*/false);
  const Json own = hosts()["hosts"]["h1"];
  EXPECT_EQ(own["alive"], true);
  EXPECT_EQ(own["revision"], 7) << "what the daemon says of its kernel";
  EXPECT_EQ(own["version"], "0.1.0");
  EXPECT_EQ(own["age"], 0);
}

TEST_F(HostsTest, AHostThatIsSilentIsNotAlive) {
  tell("h2", {"0.2.0", 1, 3, 1, 0, {}, {}, {}});
  cluster_.now += store::kAliveFor + std::chrono::seconds(1);
  EXPECT_EQ(hosts()["hosts"]["h2"]["alive"], false);
}

TEST_F(HostsTest, HowFarBehindIsCountedInChanges) {
  cluster_.step = 10;  // as etcd counts
  for (const char* name : {"a", "b"}) ask("PUT", std::string("/v1/hosts/") + name, "{}");
  tell("h2", {"0.2.0", 1, 3, 1, 0, {}, {}, {}});
  tell("h3", {"0.2.0", 1, 13, 1, 0, {}, {}, {}});
  const Json answer = hosts();
  EXPECT_EQ(answer["revision"], 23);
  EXPECT_EQ(answer["hosts"]["h2"]["behind"], 2);
  EXPECT_EQ(answer["hosts"]["h3"]["behind"], 1);
  cluster_.compact();
  EXPECT_TRUE(hosts()["hosts"]["h2"]["behind"].is_null());
}

TEST_F(HostsTest, TellsWhyAHostDoesNotFollowAndWhatFormatItReads) {
  tell("h2",
       {"0.0.9", 1, 3, 1, 0, {}, "newer", "the store has format 2, and this version knows 1"});
  const Json h2 = hosts()["hosts"]["h2"];
  EXPECT_EQ(h2["hold"]["reason"], "newer");
  EXPECT_EQ(h2["hold"]["words"], "the store has format 2, and this version knows 1");
  EXPECT_EQ(h2["format"], 1);
}

TEST_F(HostsTest, WhoIsNotInTheCloudOrSaysNonsenseIsListed) {
  tell("gone", {"0.2.0", 1, 3, 1, 0, {}, {}, {}});
  ASSERT_TRUE(host_.store.put_status({"h2", "no json", 1}));
  const Json answer = hosts();
  EXPECT_EQ(answer["hosts"]["gone"]["in_cloud"], false);
  EXPECT_FALSE(answer["hosts"]["h2"].contains("revision"));
}

TEST_F(HostsTest, NobodyIsKnownWhileTheStoreIsAway) {
  host_.store.faults.is_away = 100;
  EXPECT_THAT(told(ask("GET", "/v1/status/hosts")), StartsWith("503 "));
}

class PoolsTest : public ApiTest {};

TEST_F(PoolsTest, TheUseOfEachPool) {
  ask("PUT", "/v1/pools/public", R"({"ranges":["203.0.113.0/29"],"uplink":"wan"})");
  EXPECT_EQ(ask("POST", "/v1/floating_ips", R"({"pool":"public"})").status, 201u);
  const Json use = json_of(ask("GET", "/v1/status/pools"))["pools"]["public"];
  EXPECT_EQ(use["used"], 1);
  EXPECT_EQ(use["total"].get<int>(), use["free"].get<int>() + 1);
  EXPECT_GT(use["total"], 1);
}

}  // namespace
}  // namespace novaplane::api::test
