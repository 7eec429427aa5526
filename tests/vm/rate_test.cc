#include "tests/netns/cloud_test.h"
#include "tests/netns/world/transfer.h"

/// Rates over a way of 20 ms. Needs a kernel with netem.
namespace novaplane::netns {
namespace {

class DistantRateTest : public CloudTest {};

TEST_F(DistantRateTest, TcpKeepsToTheRateOverTwentyMilliseconds) {
  constexpr double kLimit = 20;
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  document.ports["web1"] += ", rate: {ingress: 20mbit, egress: 20mbit}";
  world.up();
  web1.configure();
  outside.run(words_of("tc qdisc add dev eth0 root netem delay 20ms limit 10000"));
  ASSERT_TRUE(web1.pings("192.0.2.1"));

  constexpr double kLow = 0.8 * kLimit, kHigh = 1.2 * kLimit;
  const auto near_the_limit = AllOf(testing::Ge(kLow), testing::Le(kHigh));
  const auto rate = [&](const Namespace& from, const Namespace& to, const std::string& address) {
    return goodput_between(kLow, kHigh, from, to, address, 3s, 5s);
  };
  EXPECT_THAT(rate(web1, outside, "192.0.2.1"), near_the_limit);
  document.floating_ips["203.0.113.10"] = "port: web1";
  world.up();
  EXPECT_THAT(rate(outside, web1, "203.0.113.10"), near_the_limit);
  outside.run(words_of("tc qdisc delete dev eth0 root"));
}

}  // namespace
}  // namespace novaplane::netns
