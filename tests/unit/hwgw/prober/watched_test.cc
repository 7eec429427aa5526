#include "hwgw/prober/watched.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "dataplane/netlink/frames.h"
#include "tests/support/deadline.h"
#include "tests/support/netns.h"

namespace novaplane::hwgw {
namespace {

using namespace std::chrono_literals;
using netlink::ArpFrame;

IpAddress ip(const char* text) { return *IpAddress::parse(text); }
const Mac kRouter = *Mac::parse("02:00:00:00:00:01"), kEverybody = *Mac::parse("ff:ff:ff:ff:ff:ff");

struct Question {
  Mac to;
  IpAddress sender;
};

/// Real frames between eth0 and the test, which is the router 192.0.2.1; the clock is the test's.
class WatchedTest : public testing::Test {
 protected:
  WatchedTest() {
    EXPECT_EQ(std::system("ip link add eth0 type veth peer name router address 02:00:00:00:00:01 "
                          "&& ip link set eth0 up && ip link set router up"),
              0);
    router_ = listen_on("router");
    host_ = listen_on("eth0");
    // A link that is up loses frames until the kernel has noticed its carrier.
    pass_a_frame(host_, router_);
    pass_a_frame(router_, host_);
  }

  void watch(const IpAddress& sender, Health state) {
    Target target;
    target.name = "router";
    target.interface = "eth0";
    target.next_hop = ip("192.0.2.1");
    target.sender = sender;
    target.is_router = target.all_protocols = true;
    target.health = HealthCheckSettings::of_router(200ms, 3, 3);
    watched_.emplace(target, state, now_);
    netlink::Link link;
    link.index = static_cast<int>(if_nametoindex("eth0"));
    link.name = "eth0";
    link.up = link.carrier = true;
    ASSERT_TRUE(watched_->on_link(&link, now_));
    ASSERT_GE(watched_->fd(), 0);
  }

  /// Time passes until something is due. What was asked then.
  std::vector<Question> step() {
    now_ = std::max(now_, *watched_->health().next());
    watched_->due(now_);
    return heard_by_router();
  }
  Question next_question() {
    for (int i = 0; i < 1000; ++i) {
      const auto asked = step();
      if (!asked.empty()) return asked.front();
    }
    ADD_FAILURE() << "it asks no more";
    return {};
  }
  std::size_t questions_within(Clock::duration time) {
    std::size_t count = 0;
    for (const auto end = now_ + time; *watched_->health().next() < end;) count += step().size();
    return count;
  }

  void answers() {
    now_ += 1ms;
    say(ARPOP_REPLY);
  }
  void announces_itself() { say(ARPOP_REQUEST); }

 private:
  static ArpFrame frame(std::uint16_t operation, const IpAddress& sender, const IpAddress& target) {
    ArpFrame frame{};
    std::ranges::fill(frame.ethernet.ether_dhost, 0xff);
    std::ranges::copy(kRouter.bytes, frame.ethernet.ether_shost);
    frame.ethernet.ether_type = htons(ETHERTYPE_ARP);
    frame.arp = {htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4, htons(operation)};
    std::ranges::copy(kRouter.bytes, frame.sender_mac);
    std::ranges::copy(sender.bytes(), frame.sender_address);
    std::ranges::copy(target.bytes(), frame.target_address);
    return frame;
  }
  static void send(const Fd& socket, const ArpFrame& frame) {
    EXPECT_EQ(::send(socket.get(), &frame, sizeof frame, 0), static_cast<ssize_t>(sizeof frame));
  }
  static Fd listen_on(const char* link) {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll place{};
    place.sll_family = AF_PACKET;
    place.sll_protocol = htons(ETHERTYPE_ARP);
    place.sll_ifindex = static_cast<int>(if_nametoindex(link));
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<sockaddr*>(&place), sizeof place), 0);
    const int yes = 1;
    setsockopt(socket.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes);
    return socket;
  }
  static bool is_readable(int fd, std::chrono::milliseconds patience) {
    pollfd entry{fd, POLLIN, 0};
    return poll(&entry, 1, static_cast<int>(patience.count())) == 1;
  }
  static void pass_a_frame(const Fd& from, const Fd& to) {
    const auto end = Clock::now() + test::kHangs;
    do {
      send(from, frame(ARPOP_REQUEST, kMark, kMark));
      if (is_readable(to.get(), 20ms)) return;
    } while (Clock::now() < end);
    ADD_FAILURE() << "no frame passes";
  }

  void say(std::uint16_t operation) {
    send(router_, frame(operation, ip("192.0.2.1"), ip("192.0.2.1")));
    ASSERT_TRUE(is_readable(watched_->fd(), test::kHangs));
    watched_->process_events(now_);
  }

  /// Up to a frame of the test's own that was sent after them, with a number.
  std::vector<Question> heard_by_router() {
    const IpAddress number = IpAddress::v4(++marks_);
    send(host_, frame(ARPOP_REQUEST, kMark, number));
    std::vector<Question> asked;
    while (is_readable(router_.get(), test::kHangs)) {
      ArpFrame got{};
      if (recv(router_.get(), &got, sizeof got, 0) < static_cast<ssize_t>(sizeof got)) continue;
      const auto from = *IpAddress::from_bytes({got.sender_address, 4});
      const auto about = *IpAddress::from_bytes({got.target_address, 4});
      if (from == kMark && about == number) return asked;
      if (from == kMark) continue;
      Question question{{}, from};
      std::ranges::copy(got.ethernet.ether_dhost, question.to.bytes.begin());
      asked.push_back(question);
    }
    ADD_FAILURE() << "frames are lost";
    return asked;
  }

  static inline const IpAddress kMark = *IpAddress::parse("192.0.2.99");
  test::NetworkNamespace netns_;
  Fd router_, host_;
  std::uint32_t marks_ = 0;

 protected:
  Clock::time_point now_ = Clock::now();
  std::optional<Watched> watched_;
};

/// It may be making sure of its address, for which it takes 9 s at most (RFC 5227, 1.1).
TEST_F(WatchedTest, WithoutAnAddressADeadRouterIsAskedEveryTenSeconds) {
  watch(IpAddress(), Health::dead);
  const Question first = next_question();
  EXPECT_EQ(first.to, kEverybody);
  EXPECT_EQ(first.sender, IpAddress());
  EXPECT_EQ(questions_within(9s), 0U);
  EXPECT_EQ(questions_within(2s), 1U);
  EXPECT_EQ(questions_within(9s), 0U);
  announces_itself();
  EXPECT_GE(questions_within(1s), 1U) << "it has its address now";
}

TEST_F(WatchedTest, ARouterThatAnswersIsAskedAloneAndWithoutATrace) {
  watch(ip("192.0.2.250"), Health::alive);
  next_question();
  answers();
  for (int i = 0; i < 5; ++i) {
    const Question question = next_question();
    EXPECT_EQ(question.to, kRouter);
    EXPECT_EQ(question.sender, IpAddress());
    answers();
  }
}

/// One that answers may be making sure of its address still, where its kernel has it meanwhile.
TEST_F(WatchedTest, ARouterThatComesBackHearsNoArpProbeForTenSeconds) {
  watch(ip("192.0.2.250"), Health::alive);
  next_question();
  answers();
  next_question();
  while (watched_->health().state() != Health::dead) {
    for (const Question& question : step()) {
      EXPECT_EQ(question.to, kEverybody);
      EXPECT_EQ(question.sender, ip("192.0.2.250"));
    }
  }
  Question question = next_question();
  const auto back = now_;
  for (; now_ < back + 10s; question = next_question()) {
    EXPECT_EQ(question.sender, ip("192.0.2.250")) << (now_ - back).count();
    answers();
  }
  EXPECT_EQ(watched_->health().state(), Health::alive);
  EXPECT_EQ(question.to, kRouter) << "alone, as ever";
  for (; now_ < back + 12s; question = next_question()) answers();
  EXPECT_EQ(question.sender, IpAddress()) << "and without a trace";
}

}  // namespace
}  // namespace novaplane::hwgw
