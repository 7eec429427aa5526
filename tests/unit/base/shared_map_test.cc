#include "dataplane/base/shared_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>
#include <unordered_map>

namespace novaplane {
namespace {

using testing::Pair;
using testing::UnorderedElementsAre;

using Map = SharedMap<std::string, std::string>;

TEST(SharedMap, IsAMap) {
  Map map;
  EXPECT_TRUE(map.empty());
  EXPECT_FALSE(map.contains("a"));
  EXPECT_TRUE(map.try_emplace("a", "1").second);
  EXPECT_FALSE(map.try_emplace("a", "2").second);
  map["b"] = "2";
  map.insert_or_assign("b", "3");
  EXPECT_THAT(map, UnorderedElementsAre(Pair("a", "1"), Pair("b", "3")));
  EXPECT_EQ(map.at("b"), "3");
  EXPECT_THROW(map.at("c"), std::out_of_range);
  EXPECT_THROW(map.edit("c"), std::out_of_range);
  EXPECT_EQ(map.erase("a"), 1u);
  EXPECT_EQ(map.erase("a"), 0u);
  EXPECT_EQ(map.size(), 1u);
  map.clear();
  EXPECT_EQ(map.begin(), map.end());
}

TEST(SharedMap, AnEditOfACopyIsTheCopys) {
  Map first{{"a", "1"}, {"b", "2"}};
  Map second = first;
  EXPECT_EQ(&first.at("a"), &second.at("a"));
  second["a"] = "changed";
  second.edit("b") = "changed";
  second["c"] = "new";
  EXPECT_THAT(first, UnorderedElementsAre(Pair("a", "1"), Pair("b", "2")));
  first.edit_each([](const std::string& key, std::string& value) { value = key; });
  EXPECT_THAT(first, UnorderedElementsAre(Pair("a", "a"), Pair("b", "b")));
  EXPECT_THAT(second,
              UnorderedElementsAre(Pair("a", "changed"), Pair("b", "changed"), Pair("c", "new")));
  EXPECT_FALSE(first == second);
}

/// The copy shares all but the one element that is edited.
TEST(SharedMap, AnEditCopiesOneElement) {
  SharedMap<int, int> first;
  for (int i = 0; i < 10'000; ++i) first[i] = i;
  auto second = first;
  second.edit(4711) = 0;
  int shared = 0;
  for (const auto& [key, value] : first) shared += &value == &second.at(key) ? 1 : 0;
  EXPECT_EQ(shared, 9'999);
}

/// A reference is good while others come and go.
TEST(SharedMap, ElementsStayInTheirPlaces) {
  SharedMap<int, int> map;
  const int* one = &map[1];
  for (int i = 2; i < 10'000; ++i) map[i] = i;
  for (int i = 2; i < 10'000; i += 2) map.erase(i);
  const auto copy = map;
  map[0] = 7;
  EXPECT_EQ(one, &map.at(1));
}

/// Random edits of random copies, beside maps that share nothing.
TEST(SharedMap, BehavesAsMapsThatShareNothing) {
  constexpr int kCopies = 4, kKeys = 300, kEdits = 50'000;
  std::mt19937 random(4711);
  const auto any = [&](int bound) {
    return static_cast<int>(random() % static_cast<unsigned>(bound));
  };
  SharedMap<int, int> maps[kCopies];
  std::unordered_map<int, int> models[kCopies];
  for (int edit = 0; edit < kEdits; ++edit) {
    const int one = any(kCopies), key = any(kKeys);
    switch (any(5)) {
      case 0:
        maps[one].insert_or_assign(key, edit);
        models[one].insert_or_assign(key, edit);
        break;
      case 1:
        maps[one][key] += edit;
        models[one][key] += edit;
        break;
      case 2:
        EXPECT_EQ(maps[one].erase(key), models[one].erase(key));
        break;
      case 3:
        EXPECT_EQ(maps[one].try_emplace(key, edit).second,
                  models[one].try_emplace(key, edit).second);
        break;
      default:
        if (any(20) != 0) break;
        const int other = any(kCopies);
        maps[one] = maps[other];
        models[one] = models[other];
        EXPECT_TRUE(maps[one] == maps[other]);
    }
    if (edit % 1000 != 0) continue;
    for (int i = 0; i < kCopies; ++i) {
      ASSERT_EQ(maps[i].size(), models[i].size());
      std::unordered_map<int, int> listed(maps[i].begin(), maps[i].end());
      ASSERT_EQ(listed, models[i]) << "after " << edit << " edits";
    }
  }
}

}  // namespace
}  // namespace novaplane
