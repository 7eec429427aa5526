#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/engine/engine.h"
#include "toy.h"

namespace novaplane::engine {
namespace {

using namespace test;

const Toy kToy;

/// As the daemon does it, so that nothing else waits: a few objects at a time.
struct EngineInParts : ::testing::Test {
  static constexpr Clock::time_point kAtOnce = Clock::time_point::min();

  EngineInParts() {
    cloud_ = cloud_of(200);
    for (int i = 0; i < 200; ++i) add(cloud_, port_of(i + 1, i));
  }
  int parts() {
    int count = 1;
    while (!engine.learn_until(kAtOnce)) ++count;
    return count;
  }

  Engine engine{"h1", {&kToy}};
  cloud::Cloud cloud_;
};

TEST_F(EngineInParts, CompilesWhatItCompilesAtOnce) {
  engine.load(cloud_);
  EXPECT_GT(parts(), 3);
  Engine other("h1", {&kToy});
  other.load(cloud_);
  EXPECT_EQ(words(engine), words(other));
}

TEST_F(EngineInParts, ADocumentInTheMidstOfAnotherIsTheOneThatCounts) {
  engine.load(cloud_);
  EXPECT_FALSE(engine.learn_until(kAtOnce));
  EXPECT_FALSE(engine.learn_until(kAtOnce));
  const cloud::Cloud few = cloud_of(2);
  engine.load(few);
  Engine other("h1", {&kToy});
  other.load(few);
  EXPECT_EQ(words(engine), words(other)) << "nothing is left of the first half of the other one";
}

TEST_F(EngineInParts, AnEditInTheMidstLosesNothing) {
  engine.load(cloud_);
  EXPECT_FALSE(engine.learn_until(kAtOnce));
  engine.document().put(floating_of(7, "p1"));
  add(cloud_, floating_of(7, "p1"));
  Engine other("h1", {&kToy});
  other.load(cloud_);
  EXPECT_EQ(words(engine), words(other));
}

}  // namespace
}  // namespace novaplane::engine
