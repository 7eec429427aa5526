#include "dataplane/engine/group_lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "dataplane/cloud/changes.h"
#include "tests/support/group_rows.h"
#include "toy.h"

namespace novaplane::engine {
namespace {

using namespace test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(GroupLists, AreThereWhileAPortHasThem) {
  GroupLists lists;
  lists.add({});
  lists.add({"db"});
  lists.add({"db", "web"});
  lists.add({"db", "web"});
  EXPECT_THAT(lists.lists_with("db"), ElementsAre(GroupList{"db"}, GroupList{"db", "web"}));
  EXPECT_THAT(lists.lists_with("web"), ElementsAre(GroupList{"db", "web"}));
  EXPECT_EQ(lists.ports_with({"db", "web"}), 2u);
  lists.remove({"db", "web"});
  EXPECT_THAT(lists.lists_with("web"), ElementsAre(GroupList{"db", "web"}));
  lists.remove({"db", "web"});
  EXPECT_THAT(lists.lists_with("web"), IsEmpty());
  lists.remove({"db"});
  lists.remove({});
  EXPECT_THAT(lists.all(), IsEmpty());
}

/// Edits of groups, ports and networks, by documents and one by one, leave what loading the result
/// leaves.
class GroupEdits : public ::testing::TestWithParam<unsigned> {
 protected:
  GroupEdits() {
    cloud::Cloud cloud = cloud_of(2);
    for (const char* name : kGroups) cloud.security_groups[name].name = name;
    for (int i = 1; i <= 6; ++i) add(cloud, random_port(i));
    engine_.load(cloud);
  }

  unsigned below(unsigned end) { return random_() % end; }
  std::vector<std::string> random_list() {
    std::vector<std::string> list;
    for (const char* name : kGroups) {
      if (below(3) == 0) list.insert(below(2) ? list.begin() : list.end(), name);
    }
    return list;
  }
  cloud::Port random_port(int number) {
    cloud::Port port = port_of(number, static_cast<int>(below(2)), below(2) ? "h1" : "h2");
    if (below(3) != 0) port.security_groups = random_list();
    port.port_security = below(8) != 0;
    if (below(4) == 0) port.allowed_pairs.push_back({*Prefix::parse("10.9.0.0/16"), {}});
    return port;
  }
  std::vector<cloud::GroupRule> random_rules() {
    std::vector<cloud::GroupRule> rules(below(3));
    for (cloud::GroupRule& rule : rules) {
      const auto port = static_cast<std::uint16_t>(80 + below(3));
      rule.ports = {{port, port}};
      if (below(3) != 0) rule.group = kGroups[below(4)];
    }
    return rules;
  }
  void edit_document() {
    cloud::Cloud next = engine_.document().cloud();
    for (unsigned left = 1 + below(3); left > 0; --left) {
      cloud::SecurityGroup& group = next.security_groups[kGroups[below(4)]];
      switch (below(4)) {
        case 0:
          group.ingress = random_rules();
          break;
        case 1:
          group.egress = random_rules();
          break;
        case 2:
          next.networks[below(2) ? "n0" : "n1"].security_groups = random_list();
          break;
        case 3:
          cloud::Port port = random_port(1 + static_cast<int>(below(6)));
          port.order = next_order_++;
          next.ports[port.name] = port;
      }
    }
    engine_.follow(cloud::edit_of(engine_.document().shared_cloud(), next));
  }
  void edit_object() {
    const int number = 1 + static_cast<int>(below(6));
    if (below(4) == 0) {
      engine_.document().put(floating_of(number, "p" + std::to_string(number)));
    } else if (below(4) == 0) {
      engine_.document().remove(
          {ObjectKind::floating_ip, floating_of(number, "").address.to_string()});
      engine_.document().remove({ObjectKind::port, "p" + std::to_string(number)});
    } else {
      engine_.document().put(random_port(number));
    }
  }

  static constexpr const char* kGroups[] = {"a", "b", "c", "d"};
  const novaplane::test::GroupRows rows_;
  std::mt19937 random_{GetParam()};
  std::uint64_t next_order_ = 1000;  ///< of ports in documents
  Engine engine_{"h1", {&rows_}};
};

TEST_P(GroupEdits, EqualALoadOfTheWhole) {
  for (int step = 0; step < 60; ++step) {
    below(2) ? edit_document() : edit_object();
    const std::vector<std::string> edited = words(engine_);
    Engine fresh("h1", {&rows_});
    fresh.load(engine_.document().cloud());
    ASSERT_EQ(edited, words(fresh)) << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, GroupEdits, ::testing::Range(0u, 20u));

}  // namespace
}  // namespace novaplane::engine
