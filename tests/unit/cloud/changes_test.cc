#include "dataplane/cloud/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/cloud/document.h"

namespace novaplane::cloud {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

/// Floating IPs 203.0.113.N, in that order.
Cloud cloud_of(const std::vector<int>& floating_ips, const std::string& rest = "") {
  std::string text = "networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}}\n" + rest;
  if (!floating_ips.empty()) text += "floating_ips:\n";
  for (const int number : floating_ips) text += fmt::format("  203.0.113.{}: {{}}\n", number);
  return parse(text, "cloud.yaml").value();
}

IpAddress ip(int number) { return *IpAddress::parse(fmt::format("203.0.113.{}", number)); }

/// In the order of their places.
std::vector<IpAddress> in_order(const Cloud& cloud) {
  std::map<std::uint64_t, IpAddress> found;
  for (const auto& [address, object] : cloud.floating_ips) found[object.order] = address;
  std::vector<IpAddress> addresses;
  for (const auto& [order, address] : found) addresses.push_back(address);
  return addresses;
}

TEST(Changes, OfTheSameAreNone) {
  const Cloud before = cloud_of({1, 2, 3});
  Cloud after = before;
  EXPECT_TRUE(compare(before, after).empty());
}

TEST(Changes, NameWhatComesChangesAndGoes) {
  const Cloud before = cloud_of({1, 2}, "hosts: {h1: {}, h2: {}}\nno_snat: [192.168.0.0/16]\n");
  Cloud after = cloud_of({2, 3}, "hosts: {h1: {prune: true}, h3: {}}\n");
  after.networks.at("blue").mtu = 1400;
  const Changes changes = compare(before, after);
  EXPECT_THAT(changes.hosts, UnorderedElementsAre("h1", "h2", "h3"));
  EXPECT_THAT(changes.networks, ElementsAre("blue"));
  EXPECT_THAT(changes.floating_ips, UnorderedElementsAre(ip(1), ip(3)));
  EXPECT_THAT(changes.ports, IsEmpty());
  EXPECT_TRUE(changes.ranges);
  EXPECT_FALSE(changes.order);
}

TEST(Changes, WhatComesInBetweenChangesNoOther) {
  const Cloud before = cloud_of({1, 2, 3});
  Cloud after = cloud_of({7, 1, 8, 9, 2, 3, 6});
  const Changes changes = compare(before, after);
  EXPECT_THAT(changes.floating_ips, UnorderedElementsAre(ip(6), ip(7), ip(8), ip(9)));
  EXPECT_FALSE(changes.order);
  EXPECT_THAT(in_order(after), ElementsAre(ip(7), ip(1), ip(8), ip(9), ip(2), ip(3), ip(6)));
}

/// Their order says nothing.
TEST(Changes, NameSecurityGroupsWhereverTheyStand) {
  const Cloud before = cloud_of({1}, "security_groups: {a: {}, b: {}, c: {}}\n");
  Cloud same = cloud_of({1}, "security_groups: {c: {}, b: {}, a: {}}\n");
  EXPECT_TRUE(compare(before, same).empty());
  Cloud after = cloud_of({1}, "security_groups: {d: {}, c: {}, b: {ingress: [{}]}}\n");
  const Changes changes = compare(before, after);
  EXPECT_THAT(changes.security_groups, UnorderedElementsAre("a", "b", "d"));
  EXPECT_EQ(changes.size(), 3u);
  EXPECT_FALSE(changes.are_public_only());
}

TEST(Changes, WhatMovesIsTheOnlyOneThatChanges) {
  const Cloud before = cloud_of({1, 2, 3, 4});
  Cloud after = cloud_of({2, 3, 1, 4});
  EXPECT_THAT(compare(before, after).floating_ips, ElementsAre(ip(1)));
  EXPECT_THAT(in_order(after), ElementsAre(ip(2), ip(3), ip(1), ip(4)));
}

/// At one place again and again.
TEST(Changes, WithoutRoomAllHaveNewPlaces) {
  std::vector<int> numbers{1, 2};
  Cloud before = cloud_of(numbers);
  int rooms = 0;
  for (int number = 3; number < 100; ++number) {
    numbers.insert(numbers.begin() + 1, number);
    Cloud after = cloud_of(numbers);
    const Changes changes = compare(before, after);
    std::vector<IpAddress> expected;
    for (const int one : numbers) expected.push_back(ip(one));
    ASSERT_EQ(in_order(after), expected);
    rooms += changes.order ? 0 : 1;
    before = std::move(after);
  }
  EXPECT_GT(rooms, 85);
  EXPECT_LT(rooms, 97);
}

TEST(Changes, WithoutOneBeforeAreNotTold) {
  const Edit edit = edit_of(nullptr, cloud_of({1}));
  EXPECT_EQ(edit.before, nullptr);
  EXPECT_TRUE(edit.after->floating_ips.contains(ip(1)));
}

}  // namespace
}  // namespace novaplane::cloud
