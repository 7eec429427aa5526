#include "hwgw/prober/watcher.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <sstream>

#include "tests/support/deadline.h"
#include "tests/support/netns.h"

namespace novaplane::hwgw {
namespace {

using namespace std::chrono_literals;

void shell(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

IpAddress ip(const char* text) { return *IpAddress::parse(text); }

/// A host whose eth0 leads to a router, 192.0.2.1, in a namespace of its own; behind it 10.9.9.9.
class WatcherTest : public testing::Test {
 protected:
  WatcherTest() {
    {
      test::NetworkNamespace here;
      router_ = Fd(::dup(here.fd()));
    }
    link("eth0", "02:00:00:00:00:01");
    at_router(
        "ip link add lo9 type bridge; ip address add 10.9.9.9/32 dev lo9; ip link set lo9 up; "
        "ip link set lo up");
    watcher_ = Watcher::start([this](const TargetStatus& status) {
                 const std::lock_guard lock(mutex_);
                 told_.push_back(status);
                 changed_.notify_all();
               }).value();
  }

  void link(const std::string& name, const std::string& router_mac) {
    const std::string other = "to-" + name;
    shell(
        fmt::format("ip link add {0} type veth peer name {1} address {2} && ip link set {1} netns "
                    "/proc/{3}/fd/{4} "
                    "&& ip address replace 192.0.2.11/24 dev {0} && ip link set {0} up",
                    name, other, router_mac, ::getpid(), router_.get()));
    at_router(fmt::format("ip address add 192.0.2.1/24 dev {0}; ip link set {0} up", other));
  }
  void at_router(const std::string& command) {
    shell(
        fmt::format("nsenter --net=/proc/{}/fd/{} sh -c '{}'", ::getpid(), router_.get(), command));
  }

  static Target target() {
    Target target;
    target.name = "uplink wan";
    target.interface = "eth0";
    target.next_hop = ip("192.0.2.1");
    target.sender = ip("192.0.2.11");
    target.health.hold_down = 0ms;
    return target;
  }

  template <class Condition>
  bool is_told(Condition&& condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, test::kHangs,
                             [&] { return !told_.empty() && condition(told_.back()); });
  }
  bool hears_of(Health state) {
    return is_told([&](const TargetStatus& status) { return status.state == state; });
  }
  TargetStatus last() {
    const std::lock_guard lock(mutex_);
    return told_.empty() ? TargetStatus() : told_.back();
  }

  test::NetworkNamespace netns_;
  Fd router_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<TargetStatus> told_;
  std::unique_ptr<Watcher> watcher_;
};

TEST_F(WatcherTest, TellsWhoAnswersAndThatItAnswersNoMore) {
  watcher_->watch({target()});
  ASSERT_TRUE(hears_of(Health::alive));
  EXPECT_EQ(last().mac, Mac::parse("02:00:00:00:00:01"));
  at_router("ip address flush dev to-eth0");  // carrier stays
  ASSERT_TRUE(hears_of(Health::dead));
  EXPECT_THAT(last().reason, testing::EndsWith("probes in a row without an answer from 192.0.2.1"));
  at_router("ip address add 192.0.2.1/24 dev to-eth0");
  ASSERT_TRUE(hears_of(Health::alive));
  const TargetStatus status = watcher_->statuses().at(0);
  EXPECT_EQ(status.switches, 2U);
  EXPECT_GT(status.loss, 0U);
  EXPECT_GT(status.rtt.count(), 0);
}

TEST_F(WatcherTest, CarrierLossIsDeathAndItsReturnIsNotEnough) {
  watcher_->watch({target()});
  ASSERT_TRUE(hears_of(Health::alive));
  at_router("ip address flush dev to-eth0; ip link set to-eth0 down");
  ASSERT_TRUE(hears_of(Health::dead));
  at_router("ip link set to-eth0 up");
  at_router("ip address add 192.0.2.1/24 dev to-eth0");
  ASSERT_TRUE(hears_of(Health::alive));
  EXPECT_EQ(last().reason, "5 probes in a row answered");
}

TEST_F(WatcherTest, FollowsALinkThatIsMadeAnew) {
  watcher_->watch({target()});
  ASSERT_TRUE(hears_of(Health::alive));
  shell("ip link del eth0");
  ASSERT_TRUE(hears_of(Health::dead));
  EXPECT_THAT(last().reason, testing::AnyOf("eth0 is down", "there is no eth0"));
  link("eth0", "02:00:00:00:00:02");
  ASSERT_TRUE(is_told([](const TargetStatus& status) {
    return status.state == Health::alive && status.mac == Mac::parse("02:00:00:00:00:02");
  }));
}

TEST_F(WatcherTest, TellsAnotherMacOfTheNextHop) {
  watcher_->watch({target()});
  ASSERT_TRUE(hears_of(Health::alive));
  at_router("ip link set to-eth0 address 02:00:00:00:00:07");
  ASSERT_TRUE(is_told(
      [](const TargetStatus& status) { return status.mac == Mac::parse("02:00:00:00:00:07"); }));
  EXPECT_EQ(last().state, Health::alive);
}

TEST_F(WatcherTest, ANextHopThatRoutesNothingIsDead) {
  Target beyond = target();
  beyond.beyond = {ip("10.9.9.8"), ip("10.9.9.9")};
  watcher_->watch({beyond});
  ASSERT_TRUE(hears_of(Health::alive));
  at_router("ip link set lo9 down; ip address del 10.9.9.9/32 dev lo9");
  ASSERT_TRUE(hears_of(Health::dead));
  EXPECT_THAT(last().reason,
              testing::EndsWith("from 10.9.9.8, 10.9.9.9 beyond 192.0.2.1, which answers"));
}

TEST_F(WatcherTest, HearsAnswersThatABridgeDropsAndAsksWithoutAnAddress) {
  shell(
      "ip link add br0 type bridge && ip link set br0 up && ip address flush dev eth0 && ip link "
      "set eth0 master br0 && "
      "nft 'table bridge t { chain c { type filter hook prerouting priority 0; drop; }; }'");
  Target router = target();
  router.sender = IpAddress();
  router.all_protocols = true;
  router.health = HealthCheckSettings::of_router(20ms, 3, 3);
  watcher_->watch({router});
  ASSERT_TRUE(hears_of(Health::alive));
  EXPECT_EQ(last().mac, Mac::parse("02:00:00:00:00:01"));
  at_router("ip neigh show dev to-eth0 | (! grep lladdr)");  // it learned nothing from us
}

TEST_F(WatcherTest, WithoutANextHopTheCarrierDecides) {
  Target plain = target();
  plain.next_hop.reset();
  watcher_->watch({plain});
  ASSERT_TRUE(hears_of(Health::alive));
  at_router("ip link set to-eth0 down");
  ASSERT_TRUE(hears_of(Health::dead));
  EXPECT_EQ(last().reason, "eth0 has no carrier");
  at_router("ip link set to-eth0 up");
  ASSERT_TRUE(hears_of(Health::alive));
}

TEST_F(WatcherTest, WhatIsKnownOutlivesAnotherSettingAndEndsWithItsTarget) {
  watcher_->watch({target()});
  ASSERT_TRUE(hears_of(Health::alive));
  at_router("ip address flush dev to-eth0");
  ASSERT_TRUE(hears_of(Health::dead));
  Target other = target();
  other.health.interval = 50ms;
  watcher_->watch({other});
  EXPECT_EQ(watcher_->statuses().at(0).state, Health::dead);
  watcher_->watch({});
  EXPECT_TRUE(watcher_->statuses().empty());
}

/// A host with guests on hundreds of networks is not one that floods its wires.
TEST_F(WatcherTest, ManyRoutersTogetherAreAskedNoMoreThanTheCap) {
  constexpr int kRouters = 100;
  constexpr auto kWindow = 1s;
  std::vector<Target> targets;
  for (int i = 0; i < kRouters; ++i) {
    Target router = target();
    router.name = fmt::format("router {}", i);
    router.next_hop = IpAddress::v4(0xc0000202u + static_cast<std::uint32_t>(i));
    router.health = HealthCheckSettings::of_router(20ms, 3, 3);
    targets.push_back(router);
  }
  watcher_->watch(targets);
  ASSERT_TRUE(hears_of(Health::dead));
  const auto asked = [] {
    std::ifstream file("/proc/thread-self/net/dev");
    for (std::string line; std::getline(file, line);) {
      std::istringstream words(line);
      std::uint64_t counts[10] = {};  // eight of what was received, then bytes and packets sent
      std::string name;
      words >> name;
      for (std::uint64_t& count : counts) words >> count;
      if (name == "eth0:") return counts[9];
    }
    return std::uint64_t{0};
  };
  const auto began = std::chrono::steady_clock::now();
  const std::uint64_t before = asked();
  while (std::chrono::steady_clock::now() < began + kWindow) {
    (void)watcher_->statuses();  // it is not kept from its work by those who ask
  }
  // The clock is read outside of the counts: whoever is not let run finds a lower rate only.
  const auto probes = static_cast<double>(asked() - before);
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
  EXPECT_LT(probes / passed.count(), 1.2 * Watcher::kMostProbes) << "5,000 were asked for";
  const auto end = std::chrono::steady_clock::now() + test::kHangs;
  while (asked() < before + 2 * kRouters && std::chrono::steady_clock::now() < end) continue;
  EXPECT_GE(asked(), before + 2 * kRouters) << "all are asked nevertheless";
}

}  // namespace
}  // namespace novaplane::hwgw
