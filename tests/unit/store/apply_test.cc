#include "dataplane/store/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/store/clouds.h"

namespace novaplane::store::test {
namespace {

using cloud::Kind;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr auto kDocument = R"(
hosts: {h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  203.0.113.2: {port: web}
  203.0.113.1: {port: web}
no_snat: [10.0.0.0/8]
pools: {public: {ranges: [203.0.113.0/24]}}
)";

class ApplyTest : public testing::Test {
 protected:
  Outcome apply(const std::string& part, bool prunes) {
    return host_.committer.commit(
        [&](const Copy& copy) -> tl::expected<Proposal, Declined> {
          return Proposal{edits_to(copy, cloud::parse_part(part, "part.yaml").value(), prunes), {}};
        },
        "test");
  }
  std::string document() const { return cloud::to_yaml(host_.copy.cloud(), host_.copy.pools()); }
  std::vector<std::string> written() const {
    std::vector<std::string> keys;
    for (const auto& [key, value] : cluster_.changes.back().writes) {
      keys.push_back((value ? "" : "-") + to_string(key));
    }
    return keys;
  }

  MemoryCluster cluster_;
  TestHost host_{cluster_};
};

TEST_F(ApplyTest, MakesTheCloudThatTheDocumentSays) {
  EXPECT_EQ(told(apply(kDocument, false)), "done");
  const auto whole = cloud::parse_document(kDocument, "cloud.yaml").value();
  EXPECT_EQ(document(), cloud::to_yaml(whole.cloud, whole.pools));
  EXPECT_EQ(told(apply(kDocument, false)), "unchanged");
  EXPECT_EQ(told(apply(document(), true)), "unchanged");
}

TEST_F(ApplyTest, AddsAPartThatRefersToTheRest) {
  apply(kDocument, false);
  EXPECT_EQ(told(apply(R"(
floating_ips:
  203.0.113.1: {port: web, announce: 1}
  203.0.113.9: {port: web}
)",
                       false)),
            "done");
  EXPECT_THAT(written(), ElementsAre("floating_ips/203.0.113.1", "floating_ips/203.0.113.9"));
  EXPECT_THAT(document(),
              testing::ContainsRegex("203.0.113.2:\n.*\n *203.0.113.1:\n.*\n.*\n *203.0.113.9:"));
  EXPECT_EQ(
      told(apply("ports: {db: {network: green, mac: 'fa:16:3e:00:00:02', address: 10.0.0.12}}",
                 false)),
      "invalid: ports.db.network: there is no network green");
}

TEST_F(ApplyTest, RemovesWhatTheDocumentDoesNotNameWhereItPrunes) {
  apply(kDocument, false);
  const std::string smaller = R"(
hosts: {h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  203.0.113.1: {port: web}
  203.0.113.5: {port: web}
)";
  EXPECT_EQ(told(apply(smaller, true)), "done");
  EXPECT_THAT(written(), UnorderedElementsAre("-ranges/snat", "-floating_ips/203.0.113.2",
                                              "floating_ips/203.0.113.5", "-pools/public"));
  const auto whole = cloud::parse_document(smaller, "cloud.yaml").value();
  EXPECT_EQ(document(), cloud::to_yaml(whole.cloud, whole.pools));
}

TEST_F(ApplyTest, FollowsTheOrderOfTheDocumentWhereItPrunes) {
  apply(kDocument, false);
  std::string other = kDocument;
  other.replace(other.find("203.0.113.2"), 11, "203.0.113.0");
  other.replace(other.find("203.0.113.1:"), 11, "203.0.113.2");
  other.replace(other.find("203.0.113.0:"), 11, "203.0.113.1");
  EXPECT_EQ(told(apply(other, true)), "done");
  const auto whole = cloud::parse_document(other, "cloud.yaml").value();
  EXPECT_EQ(document(), cloud::to_yaml(whole.cloud, whole.pools));
}

}  // namespace
}  // namespace novaplane::store::test
