#include "hwgw/prober/health_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <random>

namespace novaplane::hwgw {
namespace {

using namespace std::chrono_literals;
using Time = HealthCheck::Time;

/// A path with its own clock: each probe is answered after `rtt`, or not.
class Path {
 public:
  explicit Path(HealthCheckSettings settings, Health state = Health::alive)
      : health(settings, state, now) {}

  /// `answers`: asked for each probe.
  void run(Clock::duration time, const std::function<bool()>& answers) {
    const Time end = now + time;
    for (;;) {
      Time next = end;
      if (const auto due = health.next()) next = std::min(next, std::max(*due, now));
      if (!answers_at.empty()) next = std::min(next, answers_at.front());
      now = next;
      if (!answers_at.empty() && now >= answers_at.front()) {
        answers_at.pop_front();
        health.answered(now);
      } else if (now >= end) {
        return;
      } else if (health.due(now)) {
        ++probes;
        if (answers()) answers_at.push_back(now + rtt);
      }
      note();
    }
  }
  void works(Clock::duration time) {
    run(time, [] { return true; });
  }
  void fails(Clock::duration time) {
    run(time, [] { return false; });
  }
  /// How long until the state is `wanted`; `limit` when it never was.
  Clock::duration until(Health wanted, Clock::duration limit,
                        const std::function<bool()>& answers) {
    const Time start = now;
    while (health.state() != wanted && now - start < limit) run(1ms, answers);
    return now - start;
  }
  void note() {
    if (health.state() == last) return;
    last = health.state();
    ++changes;
  }

  Time now{};
  Clock::duration rtt = 300us;
  HealthCheck health;
  std::deque<Time> answers_at;
  Health last = Health::alive;
  int changes = 0, probes = 0;
};

const auto kNever = [] { return false; };
const auto kAlways = [] { return true; };

TEST(HealthCheck, ADeadPathIsKnownInTime) {
  const HealthCheckSettings settings;
  const auto longest = settings.interval + settings.burst_interval * (settings.burst + 1);
  EXPECT_EQ(longest, 320ms);
  for (auto when = 1000ms; when < 1200ms; when += 7ms) {  // wherever between two probes it dies
    Path path(settings);
    path.works(when);
    EXPECT_LE(path.until(Health::dead, 5s, kNever), longest);
    EXPECT_GE(path.probes, 10);
  }
}

TEST(HealthCheck, TwentyPerCentOfLossNeverFlap) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    std::mt19937 random(seed);
    Path path{HealthCheckSettings()};
    path.run(10min, [&] { return random() % 100 >= 20; });
    EXPECT_EQ(path.changes, 0) << "seed " << seed;
    EXPECT_NEAR(path.health.loss(), 20, 19);
    EXPECT_GT(path.health.loss(), 0U);
  }
}

TEST(HealthCheck, LossOfEveryProbeIsDeathWhateverWasLostBefore) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    Path path{HealthCheckSettings()};
    path.run(milliseconds(1000 + seed * 3), [&] { return random() % 100 >= 20; });
    EXPECT_LE(path.until(Health::dead, 5s, kNever), 320ms) << "seed " << seed;
  }
}

TEST(HealthCheck, OneAnswerOfTheBurstIsEnough) {
  Path path{HealthCheckSettings()};
  path.works(1s);
  int asked = 0;
  path.run(10s, [&] { return ++asked % 10 == 0; });
  EXPECT_EQ(path.changes, 0);
}

TEST(HealthCheck, AnswersThatTakeLongerThanTheBurstsIntervalAreAnswers) {
  Path path{HealthCheckSettings()};
  path.rtt = 60ms;
  path.works(1min);
  EXPECT_EQ(path.changes, 0);
  EXPECT_LT(path.probes, 800);  // and it is not asked in bursts for ever
}

TEST(HealthCheck, ComesBackAfterSoManyAnswersAndItsHold) {
  HealthCheckSettings settings;
  Path path(settings);
  path.works(1s);
  path.until(Health::dead, 5s, kNever);
  const Time died = path.now;
  path.fails(3s);
  EXPECT_LE(path.until(Health::held, 5s, kAlways), settings.interval * 6);
  path.until(Health::alive, 10s, kAlways);
  EXPECT_GE(path.now - died, settings.hold_down);
  EXPECT_LE(path.now - died, settings.hold_down + settings.interval * 2);
  EXPECT_EQ(path.health.changes(), 2U);
}

TEST(HealthCheck, OneThatIsHeldAndFailsAgainIsDead) {
  Path path{HealthCheckSettings()};
  path.until(Health::dead, 5s, kNever);
  path.until(Health::held, 5s, kAlways);
  EXPECT_LE(path.until(Health::dead, 5s, kNever), 200ms);
}

TEST(HealthCheck, AFlappingPathIsHeldLongerEachTime) {
  HealthCheckSettings settings;
  Path path(settings);
  std::vector<double> outages;
  for (int i = 0; i < 6; ++i) {
    path.works(1s);
    path.until(Health::dead, 5s, kNever);
    const Time died = path.now;
    path.until(Health::alive, 10min, kAlways);
    outages.push_back(std::chrono::duration<double>(path.now - died).count());
  }
  EXPECT_THAT(outages, testing::Pointwise(testing::DoubleNear(0.3), {5, 10, 20, 40, 40, 40}));
  path.works(2min);  // and what has been well for long is forgiven
  path.until(Health::dead, 5s, kNever);
  EXPECT_LE(path.until(Health::alive, 10min, kAlways), settings.hold_down + 300ms);
}

TEST(HealthCheck, CarrierDecidesAtOnce) {
  Path path{HealthCheckSettings()};
  path.works(1s);
  path.health.carrier(false, path.now);
  EXPECT_EQ(path.health.state(), Health::dead);
  EXPECT_EQ(path.health.reason(), "no carrier");
  path.health.carrier(true, path.now);
  EXPECT_EQ(path.health.state(), Health::dead) << "only answers make it alive";
}

TEST(HealthCheck, ACarrierEventThatComesLateChangesNothing) {
  Path path{HealthCheckSettings()};
  path.works(1s);
  path.until(Health::dead, 5s, kNever);
  path.fails(500ms);
  const auto changes = path.health.changes();
  path.health.carrier(false, path.now);
  EXPECT_EQ(path.health.changes(), changes);
  path.until(Health::alive, 1min, kAlways);  // the event that it is back may not have come yet
  EXPECT_EQ(path.health.state(), Health::alive);
}

TEST(HealthCheck, WithoutProbesTheCarrierAloneDecides) {
  HealthCheckSettings settings;
  settings.probes = false;
  Path path(settings);
  path.works(1min);
  EXPECT_EQ(path.probes, 0);
  path.health.carrier(false, path.now);
  EXPECT_EQ(path.health.state(), Health::dead);
  path.works(1s);
  path.health.carrier(true, path.now);
  EXPECT_EQ(path.health.state(), Health::held);
  path.works(settings.hold_down);
  EXPECT_EQ(path.health.state(), Health::alive);
}

TEST(HealthCheck, ARouterIsDeadAfterSoManyInARowAndBackAfterSoMany) {
  const auto settings = HealthCheckSettings::of_router(200ms, 3, 3);
  for (auto when = 1000ms; when < 1400ms; when += 13ms) {
    Path path(settings);
    path.works(when);
    EXPECT_LE(path.until(Health::dead, 5s, kNever), settings.interval * (settings.lost + 1) + 20ms);
    EXPECT_LE(path.until(Health::alive, 5s, kAlways), settings.interval * 4);
  }
}

TEST(HealthCheck, ARouterThatLosesFewerThanThatStays) {
  Path path(HealthCheckSettings::of_router(200ms, 3, 3));
  int asked = 0;
  path.run(10min, [&] { return ++asked % 3 == 0; });
  EXPECT_EQ(path.changes, 0);
}

/// Whatever happens: alive never means unanswered for longer than detection takes, and a change is
/// counted once.
TEST(HealthCheck, AnyHistoryKeepsItsPromises) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random(seed);
    HealthCheckSettings settings;
    settings.hold_down = milliseconds(random() % 3000);
    Path path(settings);
    path.works(500ms);
    std::uint32_t usable_changes = 0;
    bool was_alive = true;
    Time last_answer = path.now;
    const auto step = [&](bool answers) {
      path.run(1ms, [&] { return answers; });
      if (answers) last_answer = path.now;
      const bool is_alive = path.health.state() == Health::alive;
      if (is_alive != was_alive) ++usable_changes;
      was_alive = is_alive;
      EXPECT_FALSE(is_alive && path.now - last_answer > 325ms) << "seed " << seed;
    };
    for (int phase = 0; phase < 30; ++phase) {
      const bool answers = random() % 2;
      if (random() % 5 == 0) path.health.carrier(random() % 2, path.now);
      const auto length = random() % 2000;
      if (was_alive != (path.health.state() == Health::alive)) ++usable_changes;
      was_alive = path.health.state() == Health::alive;
      for (unsigned ms = 0; ms < length; ++ms) step(answers);
    }
    EXPECT_EQ(path.health.changes(), usable_changes) << "seed " << seed;
  }
}

}  // namespace
}  // namespace novaplane::hwgw
