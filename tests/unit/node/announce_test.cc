#include "dataplane/node/announce.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::node {
namespace {

using engine::Announce;
using testing::ElementsAre;
using testing::IsEmpty;

const Announcements::Clock::time_point kStart{};
constexpr auto kInterval = Announcements::kInterval;

Announce announce(const char* address, std::uint32_t count = 3) {
  return {"eth0", *IpAddress::parse(address), count};
}

TEST(Announcements, AreMadeAtOnceAndRepeatedBeyondTheNeighboursLocktime) {
  EXPECT_GT(kInterval, std::chrono::seconds(1));
  Announcements announcements;
  announcements.add(announce("203.0.113.1"), kStart);
  EXPECT_EQ(announcements.next(), kStart);
  EXPECT_THAT(announcements.take_due(kStart), ElementsAre(announce("203.0.113.1")));
  EXPECT_EQ(announcements.next(), kStart + kInterval);
  EXPECT_THAT(announcements.take_due(kStart + kInterval / 2), IsEmpty());
  EXPECT_THAT(announcements.take_due(kStart + kInterval), ElementsAre(announce("203.0.113.1")));
  EXPECT_THAT(announcements.take_due(kStart + 2 * kInterval), ElementsAre(announce("203.0.113.1")));
  EXPECT_TRUE(announcements.empty());
  EXPECT_EQ(announcements.next(), std::nullopt);
}

TEST(Announcements, AreMadeAsOftenAsTheDocumentSays) {
  Announcements announcements;
  announcements.add(announce("203.0.113.1", 1), kStart);
  announcements.add(announce("203.0.113.2", 0), kStart);
  EXPECT_THAT(announcements.take_due(kStart), ElementsAre(announce("203.0.113.1", 1)));
  EXPECT_TRUE(announcements.empty());
}

TEST(Announcements, StartAgainForAnAddressThatIsBoundAgain) {
  Announcements announcements;
  announcements.add(announce("203.0.113.1", 2), kStart);
  announcements.take_due(kStart);
  const auto later = kStart + kInterval / 2;
  announcements.add(announce("203.0.113.1", 2), later);
  EXPECT_THAT(announcements.take_due(later), ElementsAre(announce("203.0.113.1", 2)));
  EXPECT_EQ(announcements.next(), later + kInterval);
}

TEST(Announcements, EndForAnAddressThatIsNotAnsweredForAnyMore) {
  Announcements announcements;
  announcements.add(announce("203.0.113.1"), kStart);
  announcements.add(announce("203.0.113.2"), kStart);
  announcements.add(announce("203.0.113.3"), kStart);
  announcements.cancel(*IpAddress::parse("203.0.113.1"));
  announcements.keep_if(
      [](const IpAddress& address) { return address == *IpAddress::parse("203.0.113.3"); });
  EXPECT_THAT(announcements.take_due(kStart), ElementsAre(announce("203.0.113.3")));
}

}  // namespace
}  // namespace novaplane::node
