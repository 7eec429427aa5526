#include "tests/netns/pair_world.h"
#include "tests/netns/world/segments.h"

/// As GuardTest, of a gateway on one of two hosts, before and after it moves.
namespace novaplane::netns {
namespace {

class GuardPairTest : public PairWorld, public testing::WithParamInterface<bool> {
 protected:
  GuardPairTest() : PairWorld(GetParam()) {}
  void up() {
    start();
    for (Vm* vm : {&web1, &plain}) {
      vm->configure();
      ASSERT_TRUE(vm->pings("10.0.0.1"));
    }
  }
  /// What the world may say next to one that a guest called.
  static Segment late_answer(const Connection& connection, const std::string& from) {
    const Segment own = connection.late();
    return {from,
            connection.seen_as(),
            own.port,
            own.source_port,
            kAck,
            own.acknowledged + (1u << 30),
            own.sequence - (1u << 30)};
  }
};
INSTANTIATE_TEST_SUITE_P(, GuardPairTest, testing::Bool(), how);

TEST_P(GuardPairTest, NoGuestsAddressLeavesUntranslated) {
  up();
  EXPECT_THAT(reaches_the_world(web1, outside, "10.0.0.11", "192.0.2.1"),
              AllOf(HasSubstr("203.0.113.10"), Not(HasSubstr("10.0.0.11"))));
  EXPECT_THAT(reaches_the_world(plain, outside, "10.0.0.14", "192.0.2.1"),
              AllOf(HasSubstr(kSource), Not(HasSubstr("10.0.0.14"))));
}

TEST_P(GuardPairTest, ALateSegmentEndsNoConnectionBeforeOrAfterATakeover) {
  up();
  const Server in_web1(web1, "0.0.0.0", 80), in_h1(h1, "0.0.0.0", 80), in_h2(h2, "0.0.0.0", 80);
  Connection in(outside, "203.0.113.10", 80), out(plain, "192.0.2.1", 80);
  expect_outlives(in, outside, in.late());
  expect_outlives(out, outside, late_answer(out, "192.0.2.1"));
  Host& second = standby();
  for (const char* of : {"-d 203.0.113.10", "-s 10.0.0.14"})
    ASSERT_TRUE(eventually([&] {
      return !flows(second, std::string("-p tcp --state ESTABLISHED ") + of).empty();
    })) << of;
  die(active());
  ASSERT_TRUE(takes_over(second));
  ASSERT_TRUE(in.echoes("taken over"));
  ASSERT_TRUE(out.echoes("taken over"));
  expect_outlives(in, outside, in.late());
  expect_outlives(out, outside, late_answer(out, "192.0.2.1"));
  Host& first = &second == &h1 ? h2 : h1;
  plug_in_again(first);
  start(first);
  EXPECT_TRUE(settled());
}

TEST_P(GuardPairTest, NobodyAnswersInAGuestsPlace) {
  up();
  Capture answers(outside, "eth0", "(tcp[tcpflags] & tcp-rst != 0 or icmp[icmptype] = 3)");
  for (const std::string to : {"203.0.113.10", kSource})
    send_segment(outside, {"192.0.2.1", to, 80, 7777, std::uint8_t(kSyn | kAck)});
  send_segment(outside, {"192.0.2.1", kSource, 80, 7777, kAck});
  send_datagram(outside, kSource, 7777, "an answer that comes too late");
  EXPECT_EQ(seen_at(outside, kSource, 7778), "Connection refused") << "the host itself";
  EXPECT_TRUE(answers.sees());
  EXPECT_THAT(answers.text(), AllOf(HasSubstr("7778"), Not(HasSubstr("7777"))));
}

}  // namespace
}  // namespace novaplane::netns
