#include "security/boxes.h"

#include <gtest/gtest.h>

#include <random>

namespace novaplane::security {
namespace {

using Point = std::array<Number, 4>;

bool holds(const Box& box, const Point& point) {
  for (std::size_t i = 0; i < box.size(); ++i) {
    if (point[i] < box[i].first || point[i] > box[i].last) return false;
  }
  return true;
}

std::size_t count_holding(const std::vector<Box>& boxes, const Point& point) {
  std::size_t count = 0;
  for (const Box& box : boxes) count += holds(box, point) ? 1 : 0;
  return count;
}

/// Small enough to look at each point.
std::vector<Box> random_boxes(std::mt19937& random) {
  const auto number = [&](unsigned most) { return Number{random() % (most + 1)}; };
  std::vector<Box> boxes(1 + random() % 6);
  for (Box& box : boxes) {
    for (Interval& interval : box) {
      interval.first = number(4);
      interval.last = interval.first + number(4 - static_cast<unsigned>(interval.first));
    }
  }
  return boxes;
}

TEST(Boxes, HoldTheSamePointsAndEachOnceOnly) {
  std::mt19937 random(17);
  for (int round = 0; round < 200; ++round) {
    const auto boxes = random_boxes(random);
    const auto apart = disjoint(boxes);
    for (unsigned i = 0; i < 625; ++i) {
      const Point point{i % 5, i / 5 % 5, i / 25 % 5, i / 125};
      ASSERT_EQ(count_holding(apart, point), count_holding(boxes, point) != 0 ? 1u : 0u)
          << "round " << round << ", point " << i;
    }
  }
}

TEST(Boxes, WhatIsApartStaysAsItIs) {
  const Box a{Interval{0, 1}, {6, 6}, {0, 9}, {80, 80}},
      b{Interval{2, 3}, {6, 6}, {0, 9}, {80, 80}};
  EXPECT_EQ(disjoint({a, b}), (std::vector<Box>{a, b}));
}

TEST(Boxes, WhatIsHeldAlreadyVanishes) {
  const Box all{Interval{0, ~Number{0}}, {0, 255}, {0, 65535}, {0, 65535}};
  const Box part{Interval{7, 7}, {6, 6}, {0, 65535}, {22, 22}};
  EXPECT_EQ(disjoint({all, part}), std::vector<Box>{all});
}

/// At the very ends nothing may run over.
TEST(Boxes, ReachToTheLastAddress) {
  const Number last = ~Number{0};
  const Box all{Interval{0, last}, {0, 255}, {0, 65535}, {0, 65535}};
  const Box end{Interval{last, last}, {255, 255}, {65535, 65535}, {65535, 65535}};
  const auto apart = disjoint({end, all});
  EXPECT_EQ(count_holding(apart, {last, 255, 65535, 65535}), 1u);
  EXPECT_EQ(count_holding(apart, {last, 255, 65535, 65534}), 1u);
  EXPECT_EQ(count_holding(apart, {0, 0, 0, 0}), 1u);
}

}  // namespace
}  // namespace novaplane::security
