#include <fmt/format.h>

#include <chrono>

#include "tests/unit/node/edits.h"

/// What is announced again when a link is another one to its neighbours.
namespace novaplane::node {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Time = engine::Clock::time_point;

struct ReannounceTest : Edits {
  netlink::Link eth0;
  Time now{1h};

  void SetUp() override {
    Edits::SetUp();
    eth0 = *engine.kernel().link("eth0");
    eth0.carrier = true;
    engine.on_observation(netlink::Seen<netlink::Link>{eth0});
    saw_address();
    settle_all(engine);
    settle_all(engine);
    EXPECT_THAT(again(), IsEmpty()) << "a process that starts has heard of no change";
  }

  void saw_address() {
    netlink::Address address;
    address.link = eth0.index;
    address.prefix = *Prefix::parse("192.0.2.11/24");
    engine.on_observation(netlink::Seen<netlink::Address>{address});
  }
  void observe() { engine.on_observation(netlink::Seen<netlink::Link>{eth0}); }

  /// "203.0.113.1 on eth0" of the next pass, which succeeds.
  std::vector<std::string> again() {
    std::vector<std::string> found;
    for (const engine::Step& step : engine.plan(now)) {
      if (const auto* told = std::get_if<engine::Reannounce>(&step.operation)) {
        why = told->why;
        for (const engine::Announce& announce : told->announcements) {
          found.push_back(fmt::format("{} on {}", announce.address, announce.link));
        }
      }
      engine.done(step, {}, now);
    }
    return found;
  }
  const testing::Matcher<std::vector<std::string>> everything = UnorderedElementsAre(
      "192.0.2.11 on eth0", "203.0.113.1 on eth0", "203.0.113.3 on eth0", "203.0.113.80 on eth0");
  std::string why;
};

TEST_F(ReannounceTest, AnotherMac) {
  eth0.mac = *Mac::parse("02:00:00:00:00:99");
  observe();
  EXPECT_THAT(again(), everything);
  EXPECT_THAT(why, testing::HasSubstr("is 02:00:00:00:00:99"));
  EXPECT_THAT(again(), IsEmpty());
}

TEST_F(ReannounceTest, ACarrierThatIsBack) {
  eth0.carrier = false;
  observe();
  EXPECT_THAT(again(), IsEmpty());
  eth0.carrier = true;
  observe();
  EXPECT_THAT(again(), everything);
}

TEST_F(ReannounceTest, AMacThatChangedWhileThereWasNoCarrier) {
  eth0.carrier = false;
  eth0.mac = *Mac::parse("02:00:00:00:00:99");
  observe();
  EXPECT_THAT(again(), IsEmpty()) << "nobody would hear it";
  EXPECT_EQ(engine.next_retry(), std::nullopt);
  eth0.carrier = true;
  observe();
  EXPECT_THAT(again(), everything);
}

TEST_F(ReannounceTest, ANicThatIsAnother) {
  engine.on_observation(netlink::Gone<netlink::Link>{eth0});
  settle_all(engine);
  eth0.index = 77;
  observe();
  saw_address();
  EXPECT_THAT(again(), everything);
  EXPECT_EQ(why, "the link was made again");
}

TEST_F(ReannounceTest, ABondThatSendsByAnotherNic) {
  eth0.notifies_peers = true;
  observe();
  EXPECT_THAT(again(), everything);
  eth0.notifies_peers = false;
  observe();
  EXPECT_THAT(again(), IsEmpty());
}

TEST_F(ReannounceTest, AMacThatChangedWhileEventsWereLost) {
  engine.kernel().forget();
  observe();
  EXPECT_THAT(engine.kernel().to_announce(), IsEmpty());
  engine.kernel().forget();
  eth0.mac = *Mac::parse("02:00:00:00:00:99");
  observe();
  EXPECT_THAT(engine.kernel().to_announce(), testing::SizeIs(1));
}

TEST_F(ReannounceTest, OnceASecondAtMost) {
  eth0.notifies_peers = true;
  observe();
  EXPECT_THAT(again(), everything);
  observe();
  EXPECT_THAT(again(), IsEmpty());
  ASSERT_EQ(engine.next_retry(), now + 1s);
  now += 1s;
  EXPECT_THAT(again(), everything);
  EXPECT_EQ(engine.next_retry(), std::nullopt);
}

/// Guests of a shared gateway know a MAC that is not the bridge's; their bridge's table learns.
TEST_F(ReannounceTest, ABridgeTakesItsNicsNewMac) {
  netlink::Link eth1 = *engine.kernel().link("eth1");
  eth1.mac = *Mac::parse("02:00:00:00:00:99");
  engine.on_observation(netlink::Seen<netlink::Link>{eth1});
  const auto steps = words(engine);
  EXPECT_THAT(steps, testing::Contains(testing::HasSubstr("change link br-blue")));
}

}  // namespace
}  // namespace novaplane::node
