#include "tests/netns/security_world.h"
#include "tests/netns/sender.h"
#include "tests/netns/world/talk.h"

/// One guest that begins flows as fast as it can: others do not suffer.
namespace novaplane::netns {
namespace {

constexpr int kFlows = 20'000, kBurst = 5'000;

class SecurityFloodTest : public SecurityTest {
 protected:
  static void flood(const Vm& from, const Vm& to, std::uint16_t port) {
    const Sender sender(from);
    for (int i = 0; i < kFlows; ++i) {
      const auto source = static_cast<std::uint16_t>(1024 + i);
      sender.send(raw::ethernet(to.mac(), from.mac(), raw::kIpv4,
                                raw::udp({from.address(), to.address()}, source, port, "")));
    }
  }
  static int tracked(const Host& host) { return std::stoi(host.run({"conntrack", "-C"}).out); }
};
INSTANTIATE_TEST_SUITE_P(, SecurityFloodTest, testing::Bool(), how);

TEST_P(SecurityFloodTest, AnotherGuestOpensFlowsMeanwhile) {
  up();
  const Server free(far, "0.0.0.0", 53);
  Talk known(web, kFar, 53);
  ASSERT_TRUE(known.goes_on());
  const int before = tracked(h1);
  Capture arrives(far, "eth0", "udp dst port 9000");
  const auto begun = Clock::now();
  flood(web, far, 9000);
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - begun).count();
  EXPECT_EQ(seen_at_udp(db, kFar, 53), kDb) << "another guest";
  EXPECT_EQ(seen_at(db, kFar, 53), kDb);
  EXPECT_TRUE(known.goes_on()) << "what it had begun before";
  const auto noted = elements(h1, "asked4");
  EXPECT_GT(noted, 1000u);
  EXPECT_LT(noted, kBurst + 1000u * (static_cast<unsigned>(took) + 2) + 100u);
  EXPECT_LT(noted, static_cast<unsigned>(kFlows)) << "the machine is too slow for this test";
  EXPECT_THAT(h1.nft_list("list set bridge novaplane drops"), HasSubstr(web.tap()));
  if (GetParam()) return;
  EXPECT_LT(tracked(h1), before + 100) << "bridged traffic is not tracked";
}

/// Its limit is the document's.
TEST_P(SecurityFloodTest, TheLimitIsTheHosts) {
  document.hosts["h1"] += ", new_flows: 10";
  up();
  Trials trials(web, far);
  const auto opens = [&](std::uint16_t source) {
    return trials.passes(
        raw::ethernet(far.mac(), web.mac(), raw::kIpv4, raw::udp({kWeb, kFar}, source, 9000, "")));
  };
  int opened = 0;
  for (std::uint16_t source = 1; source <= 300; ++source) opened += opens(source);
  EXPECT_GE(opened, 50);
  EXPECT_LT(opened, 300);
  EXPECT_TRUE(opens(1)) << "one that is known";
}

/// What is refused is not remembered, and what is let in not for long.
TEST_P(SecurityFloodTest, CallersFillNothingForLong) {
  up();
  const Server page(web, "0.0.0.0", 80);
  flood(far, web, 9000);
  EXPECT_EQ(elements(h1, "let_in_udp4"), 0u);
  flood(far, tight, 5432);
  EXPECT_EQ(seen_at(far, kWeb, 80), kFar);
  EXPECT_EQ(seen_at(outside, kWebOutside, 80), "192.0.2.1");
  EXPECT_TRUE(eventually([&] { return elements(h1, "let_in_udp4") == 0; }, 20s));
}

}  // namespace
}  // namespace novaplane::netns
