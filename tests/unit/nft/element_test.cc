#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>

#include "dataplane/nft/rule.h"
#include "tests/unit/nft/kernel_fixture.h"

namespace novaplane::nft {
namespace {

using testing::HasSubstr;
using testing::UnorderedElementsAreArray;

class ElementTest : public KernelTest {
 protected:
  void SetUp() override { program({}); }

  tl::expected<void, CommitError> add(Elements elements) {
    return client_.commit({client_.generation(), {}, {}, std::move(elements)});
  }
  tl::expected<void, CommitError> remove(std::vector<ElementKey> keys) {
    return client_.commit({client_.generation(), {}, std::move(keys), {}});
  }
};

TEST_F(ElementTest, ComeBackAsTheyWereWritten) {
  const Elements elements = {
      floating("203.0.113.1", "10.0.0.10"),
      floating("203.0.113.3", "10.0.0.12"),
      managed("br-blue"),
      managed("br-a-long-name1"),
      no_snat("10.0.0.0", "10.255.255.255"),
      no_snat("11.0.0.0", "11.0.0.255"),
      no_snat("192.0.2.7", "192.0.2.7"),
      no_snat("240.0.0.0", "255.255.255.255"),
      to_bridge("tap-a", "0a:6e:0a:00:00:01", "0a:00:00:00:00:01"),
      {{{Family::inet, "port_forwards"},
        Bytes().address(ip("203.0.113.9")).protocol(6).port(443).take()},
       {Bytes().address(ip("10.0.0.10")).port(8443).take(), "port forward web"}},
      {{{Family::inet, "host_services"},
        Bytes().ifname("br-blue").address(ip("10.0.0.1")).protocol(17).port(53).take()},
       {"", "network blue"}},
      {{{Family::inet, "routed"}, Bytes().ifname("br-blue").ifname("br-blue").take()}, {"", ""}},
      guest_limit("tap-a", 6'250'000, 125'000),
      guest_limit("tap-b", 12'500'000'000, 1'000),
  };
  const auto added = add(elements);
  ASSERT_TRUE(added) << added.error().error.message();
  EXPECT_THAT(seen(), UnorderedElementsAreArray(elements));
}

TEST_F(ElementTest, NftPrintsThemAsWeDo) {
  const Elements elements = {
      floating("203.0.113.1", "10.0.0.10"),
      managed("br-blue"),
      no_snat("10.0.0.0", "10.255.255.255"),
      to_bridge("tap-a", "0a:6e:0a:00:00:01", "0a:00:00:00:00:01"),
      {{{Family::inet, "port_forwards"},
        Bytes().address(ip("203.0.113.9")).protocol(6).port(443).take()},
       {Bytes().address(ip("10.0.0.10")).port(8443).take(), "port forward web"}},
      guest_limit("tap-a", 6'250'000, 125'500)};
  ASSERT_TRUE(add(elements));
  for (const auto& [key, element] : elements) {
    const Set set = *std::find_if(client_.ruleset()->sets.begin(), client_.ruleset()->sets.end(),
                                  [&](const Set& s) { return s.name == key.set; });
    const std::string listed =
        output(fmt::format("nft list {} {} novaplane {}", set.data.empty() ? "set" : "map",
                           to_string(key.set.family), key.set.name));
    EXPECT_THAT(listed, HasSubstr("elements = { " + to_text(set, key, &element) + " }"));
  }
}

TEST_F(ElementTest, TheTransactionAsTextDoesTheSame) {
  const Transaction transaction{
      {}, {}, {}, {floating("203.0.113.1", "10.0.0.10"), no_snat("10.0.0.0", "10.0.0.99")}};
  EXPECT_EQ(to_text(*client_.ruleset(), transaction),
            "add element inet novaplane floating_to_fixed { 203.0.113.1 comment \"floating IP "
            "203.0.113.1\" : 10.0.0.10 }\n"
            "add element inet novaplane no_snat { 10.0.0.0-10.0.0.99 comment \"no_snat\" }\n");
  nft(to_text(*client_.ruleset(), transaction));
  EXPECT_THAT(seen(), UnorderedElementsAreArray(transaction.add));
  nft(to_text(*client_.ruleset(), {{}, {}, {transaction.add[1].first}, {}}));
  EXPECT_EQ(seen(), Elements{transaction.add[0]});
}

TEST_F(ElementTest, AChangeIsARemovalAndAnAdditionInOneBatch) {
  ASSERT_TRUE(add({floating("203.0.113.1", "10.0.0.10"), no_snat("10.0.0.0", "10.0.0.255")}));
  const Elements moved = {floating("203.0.113.1", "10.0.0.99"), no_snat("10.0.0.0", "10.0.1.255")};
  const auto changed = client_.commit(
      {client_.generation(), {}, {moved[0].first, no_snat("10.0.0.0", "10.0.0.255").first}, moved});
  ASSERT_TRUE(changed) << changed.error().error.message();
  EXPECT_THAT(seen(), UnorderedElementsAreArray(moved));
}

TEST_F(ElementTest, WhatNftListsOfALimiterItReadsBack) {
  ASSERT_TRUE(add({guest_limit("tap-a", 6'250'000, 125'000)}));
  const std::string listed = output("nft list ruleset");
  EXPECT_EQ(output(fmt::format("nft -f - <<'END'\nflush ruleset\n{}\nEND", listed)), "");
  EXPECT_EQ(seen(), Elements{guest_limit("tap-a", 6'250'000, 125'000)});
}

TEST_F(ElementTest, AForeignEditIsSeen) {
  ASSERT_TRUE(add({floating("203.0.113.1", "10.0.0.10"), managed("br-blue")}));
  nft("delete element inet novaplane floating_to_fixed { 203.0.113.1 }");
  EXPECT_EQ(seen(), Elements{managed("br-blue")});
  nft("add element inet novaplane floating_to_fixed { 203.0.113.1 : 192.0.2.66 }");
  EXPECT_EQ(seen().size(), 2u);
  nft("flush set inet novaplane managed");
  EXPECT_EQ(seen().size(), 1u);
}

TEST_F(ElementTest, NamesTheElementThatFailsAndChangesNothing) {
  ASSERT_TRUE(add({floating("203.0.113.7", "10.0.0.7")}));
  Elements elements = {managed("br-blue")};
  for (int i = 1; i < 10; ++i) {
    elements.push_back(floating(fmt::format("203.0.113.{}", i).c_str(), "10.0.0.10"));
  }
  const auto added = add(elements);
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().add, 7u);
  EXPECT_FALSE(added.error().remove);
  EXPECT_FALSE(added.error().outdated);
  EXPECT_EQ(added.error().error.message(),
            "add element inet novaplane floating_to_fixed { 203.0.113.7 comment \"floating IP "
            "203.0.113.7\" : 10.0.0.10 }: File exists (EEXIST)");
  EXPECT_EQ(seen().size(), 1u);
}

TEST_F(ElementTest, NamesTheRemovalThatFails) {
  ASSERT_TRUE(add({floating("203.0.113.1", "10.0.0.1")}));
  const auto removed = remove({floating("203.0.113.1", "10.0.0.1").first, managed("br-x").first});
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().remove, 1u);
  EXPECT_EQ(removed.error().error.step, "delete element inet novaplane managed { \"br-x\" }");
  EXPECT_EQ(seen().size(), 1u);
}

TEST_F(ElementTest, NamesARangeThatOverlaps) {
  ASSERT_TRUE(add({no_snat("10.0.0.0", "10.0.0.255")}));
  const auto added = add({managed("br-blue"), no_snat("192.0.2.0", "192.0.2.255"),
                          no_snat("10.0.0.128", "10.0.1.255")});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().add, 2u);
  EXPECT_THAT(added.error().error.message(), HasSubstr("no_snat { 10.0.0.128-10.0.1.255"));
}

TEST_F(ElementTest, RefusesACommentThatTheKernelWouldCut) {
  auto long_comment = managed("br-blue");
  long_comment.second.comment = std::string(129, 'x');
  const auto added = add({long_comment});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().add, 0u);
  long_comment.second.comment = std::string(128, 'x');
  ASSERT_TRUE(add({long_comment}));
  EXPECT_EQ(seen(), Elements{long_comment});
}

TEST_F(ElementTest, AForeignGenerationIsToldApart) {
  const auto ours = client_.generation();
  nft("add table inet foreign");
  const auto added = client_.commit({ours, {}, {}, {managed("br-blue")}});
  ASSERT_FALSE(added);
  EXPECT_TRUE(added.error().outdated);
  EXPECT_FALSE(client_.generation());
  EXPECT_TRUE(seen().empty());
  ASSERT_TRUE(add({managed("br-blue")})) << "after an observation it passes";
  EXPECT_THAT(output("nft list ruleset"), HasSubstr("table inet foreign"));
}

TEST_F(ElementTest, KnowsItsOwnGenerationWithoutAsking) {
  ASSERT_TRUE(add({managed("br-blue")}));
  const auto after = client_.generation();
  ASSERT_TRUE(after);
  EXPECT_EQ(client_.observe()->generation, *after);
  ASSERT_TRUE(client_.commit({client_.generation(), {}, {}, {}})) << "nothing to send";
  EXPECT_EQ(client_.generation(), after);
}

TEST_F(ElementTest, OneCommitHoldsTwoHundredThousand) {
  constexpr std::uint32_t kCount = 100'000;
  Elements elements;
  for (std::uint32_t i = 0; i < kCount; ++i) {
    const IpAddress outside = IpAddress::v4(0xc6120000 + i), fixed = IpAddress::v4(0x0a000000 + i);
    const std::string comment = "floating IP " + outside.to_string();
    elements.push_back({{{Family::inet, "floating_to_fixed"}, Bytes().address(outside).take()},
                        {Bytes().address(fixed).take(), comment}});
    elements.push_back({{{Family::inet, "fixed_to_floating"}, Bytes().address(fixed).take()},
                        {Bytes().address(outside).take(), comment}});
  }
  const auto added = add(elements);
  ASSERT_TRUE(added) << added.error().error.message();
  auto observed = client_.observe();
  ASSERT_TRUE(observed);
  EXPECT_TRUE(compare(*client_.ruleset(), observed->tables).empty());
  ASSERT_EQ(observed->elements.size(), elements.size());
  const auto by_key = [](const auto& a, const auto& b) {
    return std::pair(a.first.set.name, a.first.key.view()) <
           std::pair(b.first.set.name, b.first.key.view());
  };
  std::sort(elements.begin(), elements.end(), by_key);
  std::sort(observed->elements.begin(), observed->elements.end(), by_key);
  EXPECT_TRUE(observed->elements == elements);
  ASSERT_TRUE(add({floating("192.0.2.1", "10.9.9.9")})) << "the buffers serve small ones again";
}

}  // namespace
}  // namespace novaplane::nft
