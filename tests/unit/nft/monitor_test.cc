#include "dataplane/nft/monitor.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/nft/kernel_fixture.h"

namespace novaplane::nft {
namespace {

using testing::ElementsAre;

class MonitorTest : public KernelTest {
 protected:
  void SetUp() override {
    program({});
    drain();
  }

  /// Everything that has happened since the last call; events are there when their cause returns.
  std::vector<Event> drain() {
    std::vector<Event> events;
    const auto drained = monitor_.drain([&](Event event) { events.push_back(std::move(event)); });
    EXPECT_TRUE(drained && *drained == Monitor::Drained::all);
    return events;
  }

  template <class T>
  static std::vector<T> only(const std::vector<Event>& events) {
    std::vector<T> found;
    for (const Event& event : events) {
      if (const T* what = std::get_if<T>(&event.what)) found.push_back(*what);
    }
    return found;
  }

  Monitor monitor_ = *Monitor::open(reference_ruleset());
};

TEST_F(MonitorTest, HearsOurOwnElementsWithOurPortId) {
  const auto element = floating("203.0.113.1", "10.0.0.10");
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {}, {element}}));
  const auto events = drain();
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].port_id, client_.port_id());
  EXPECT_EQ(std::get<ElementAdded>(events[0].what).key, element.first);
  EXPECT_EQ(std::get<ElementAdded>(events[0].what).element, element.second);
  EXPECT_EQ(events[1].port_id, client_.port_id());
  EXPECT_EQ(std::get<NewGeneration>(events[1].what).id, client_.generation());
  EXPECT_EQ(std::get<NewGeneration>(events[1].what).pid, static_cast<std::uint32_t>(getpid()));
}

TEST_F(MonitorTest, IsNotToldOfElementsThatItsOwnSenderWrites) {
  ASSERT_TRUE(monitor_.ignore_elements_of(client_.port_id()));
  ASSERT_TRUE(
      client_.commit({client_.generation(), {}, {}, {floating("203.0.113.1", "10.0.0.10")}}));
  auto events = drain();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(std::get<NewGeneration>(events[0].what).id, client_.generation());

  nft("flush map inet novaplane floating_to_fixed");
  EXPECT_EQ(only<ElementRemoved>(drain()).size(), 1u);
}

TEST_F(MonitorTest, WhatItMissedInAPauseTheGenerationTells) {
  ASSERT_TRUE(monitor_.pause());
  ASSERT_TRUE(
      client_.commit({client_.generation(), {}, {}, {floating("203.0.113.1", "10.0.0.10")}}));
  EXPECT_EQ(client_.ask_generation().value(), client_.generation());
  nft("flush map inet novaplane floating_to_fixed");
  ASSERT_TRUE(monitor_.resume());
  EXPECT_TRUE(drain().empty());
  EXPECT_EQ(client_.ask_generation().value(), *client_.generation() + 1);
  nft("add table inet foreign");
  EXPECT_EQ(drain().size(), 1u);
}

TEST_F(MonitorTest, HearsForeignElementsAndWhoDidIt) {
  nft("add element bridge novaplane to_bridge "
      "{ \"tap-a\" . 0a:6e:0a:00:00:01 comment \"port tap-a\" : 0a:00:00:00:00:01 }");
  const auto wanted = to_bridge("tap-a", "0a:6e:0a:00:00:01", "0a:00:00:00:00:01");
  auto events = drain();
  ASSERT_EQ(only<ElementAdded>(events).size(), 1u);
  EXPECT_EQ(only<ElementAdded>(events)[0].key, wanted.first);
  EXPECT_EQ(only<ElementAdded>(events)[0].element, wanted.second);
  EXPECT_NE(events[0].port_id, client_.port_id());
  EXPECT_EQ(only<NewGeneration>(events)[0].process, "nft");

  nft("flush map bridge novaplane to_bridge");
  events = drain();
  ASSERT_EQ(only<ElementRemoved>(events).size(), 1u);
  EXPECT_EQ(only<ElementRemoved>(events)[0].key, wanted.first);
}

TEST_F(MonitorTest, TellsOfTheFrameInWords) {
  nft("insert rule inet novaplane forward drop");
  auto events = drain();
  ASSERT_EQ(only<RulesetModified>(events).size(), 1u);
  EXPECT_EQ(only<RulesetModified>(events)[0].words,
            "a rule of chain inet novaplane forward was added");

  nft("delete table bridge novaplane");
  events = drain();
  ASSERT_FALSE(only<RulesetModified>(events).empty());
  EXPECT_EQ(only<RulesetModified>(events).back().words, "table bridge novaplane was deleted");
}

TEST_F(MonitorTest, TellsOfASetWithRangesAsAWhole) {
  nft("add element inet novaplane no_snat { 10.0.0.0/8 }");
  const auto touched = only<RulesetModified>(drain());
  ASSERT_FALSE(touched.empty());
  EXPECT_EQ(touched[0].words, "elements of set inet novaplane no_snat changed");
}

TEST_F(MonitorTest, OfForeignTablesItHearsTheGenerationOnly) {
  nft("add table inet foreign; add set inet foreign managed { type ifname; }; "
      "add element inet foreign managed { \"br-blue\" }");
  const auto events = drain();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(only<NewGeneration>(events)[0].id, *client_.generation() + 1);
}

TEST_F(MonitorTest, OurOwnRepairIsRecognisable) {
  nft("delete table inet novaplane");
  drain();
  program({managed("br-blue")});
  for (const Event& event : drain()) EXPECT_EQ(event.port_id, client_.port_id());
}

TEST_F(MonitorTest, HearsTenThousandAtOnce) {
  Elements elements;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const auto address = Bytes().address(IpAddress::v4(0x0a000000 + i)).take();
    elements.push_back({{{Family::inet, "fixed_to_floating"}, address}, {address, "a comment"}});
  }
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {}, elements}));
  EXPECT_EQ(only<ElementAdded>(drain()).size(), elements.size());
}

TEST_F(MonitorTest, SaysWhenEventsWereLost) {
  const int small = 4096;
  setsockopt(monitor_.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  Elements elements;
  for (int i = 0; i < 200; ++i) elements.push_back(managed(("br-" + std::to_string(i)).c_str()));
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {}, elements}));
  EXPECT_EQ(monitor_.drain([](Event) {}), Monitor::Drained::lost);
  EXPECT_EQ(monitor_.drain([](Event) {}), Monitor::Drained::all) << "then it goes on";
  EXPECT_EQ(client_.observe()->elements.size(), elements.size());
}

TEST_F(MonitorTest, HearsWhatComesRightAfterALoss) {
  const int small = 4096;
  setsockopt(monitor_.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
  Elements elements;
  for (int i = 0; i < 200; ++i) elements.push_back(managed(("br-" + std::to_string(i)).c_str()));
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {}, elements}));
  ASSERT_EQ(monitor_.drain([](Event) {}), Monitor::Drained::lost);
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {}, {managed("br-new")}}));
  const auto events = drain();
  EXPECT_EQ(only<ElementAdded>(events).size(), 1u);
  EXPECT_EQ(only<NewGeneration>(events).size(), 1u);
}

}  // namespace
}  // namespace novaplane::nft
