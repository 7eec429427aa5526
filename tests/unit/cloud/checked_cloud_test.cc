#include "dataplane/cloud/checked_cloud.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/cloud/document.h"
#include "dataplane/cloud/text.h"
#include "tests/support/large_cloud.h"

namespace novaplane::cloud::test {
namespace {

using novaplane::test::LargeCloud;
using testing::ElementsAre;
using testing::IsEmpty;

Cloud parsed(const std::string& document) {
  auto cloud = parse(document, "cloud.yaml");
  if (cloud) return std::move(*cloud);
  for (const Mistake& mistake : cloud.error()) ADD_FAILURE() << mistake.message();
  return {};
}

CheckedCloud checked(const std::string& document) {
  auto cloud = CheckedCloud::of(parsed(document));
  EXPECT_TRUE(cloud.has_value());
  return std::move(*cloud);
}

constexpr auto kDocument = R"(
hosts:
  h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0, gateway: 192.0.2.1}]}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
floating_ips:
  203.0.113.1: {port: web}
)";

/// Edits as a client of the API makes them: JSON, or nothing to remove the object.
class Client {
 public:
  explicit Client(CheckedCloud& cloud) : cloud_(cloud) {}

  Client& put(Kind kind, const std::string& name, const std::string& json) {
    auto object = read_json(cloud_.cloud(), {kind, name}, json, findings_);
    if (object) edits_.push_back({{kind, name}, std::move(object->object)});
    return *this;
  }
  Client& remove(Kind kind, const std::string& name) {
    edits_.push_back({{kind, name}, std::nullopt});
    return *this;
  }

  /// "duplicate-mac: ports.web2.mac: ..."; none: the edits are in the cloud.
  std::vector<std::string> edit() {
    auto changes = cloud_.edit(std::move(edits_), std::move(findings_));
    edits_ = {};
    findings_ = {};
    std::vector<std::string> sentences;
    if (changes) {
      changes_ = std::move(*changes);
      return sentences;
    }
    for (const Finding& finding : changes.error()) {
      sentences.push_back(
          fmt::format("{}: {}: {}", finding.kind, to_string(finding.path), finding.sentence));
    }
    return sentences;
  }
  const Changes& changes() const { return changes_; }

 private:
  CheckedCloud& cloud_;
  std::vector<ObjectEdit> edits_;
  Findings findings_;
  Changes changes_;
};

TEST(CheckedCloud, TellsOfTheEditedOneOfTwoThatCollide) {
  CheckedCloud cloud = checked(kDocument);
  Client client(cloud);
  EXPECT_THAT(
      client
          .put(
              Kind::port, "db",
              R"({"network":"blue","host":"h1","mac":"fa:16:3e:00:00:01","address":"10.0.0.11","interface":"tap1"})")
          .edit(),
      ElementsAre(
          "duplicate-mac: ports.db.mac: fa:16:3e:00:00:01 is also that of port web",
          "duplicate-address: ports.db.address: 10.0.0.11 is also that of port web",
          "duplicate-interface: ports.db.interface: tap1 on host h1 is also that of port web"));
  EXPECT_FALSE(cloud.cloud().ports.contains("db"));
  // As it is, it collides with nobody.
  EXPECT_THAT(
      client
          .put(
              Kind::port, "web",
              R"({"network":"blue","host":"h1","mac":"fa:16:3e:00:00:01","address":"10.0.0.12","interface":"tap1"})")
          .edit(),
      IsEmpty());
  EXPECT_THAT(client.changes().ports, ElementsAre("web"));
}

TEST(CheckedCloud, IsEditedAsAWholeOrNotAtAll) {
  CheckedCloud cloud = checked(kDocument);
  const Cloud before = cloud.cloud();
  Client client(cloud);
  EXPECT_THAT(client
                  .put(Kind::network, "red",
                       R"({"cidr":"10.1.0.0/24","gateway":"10.1.0.1","segment":{"vlan":7}})")
                  .remove(Kind::port, "web")
                  .edit(),
              ElementsAre("dangling: floating_ips.203.0.113.1.port: there is no port web"));
  EXPECT_TRUE(cloud.cloud() == before);
  EXPECT_THAT(client.remove(Kind::floating_ip, "203.0.113.1").remove(Kind::port, "web").edit(),
              IsEmpty());
  EXPECT_THAT(cloud.cloud().ports, IsEmpty());
  EXPECT_THAT(cloud.cloud().floating_ips, IsEmpty());
}

TEST(CheckedCloud, SwapsWhatTwoObjectsHave) {
  CheckedCloud cloud = checked(kDocument);
  Client client(cloud);
  const auto port = [](int address, int mac, int tap) {
    return fmt::format(
        R"({{"network":"blue","host":"h1","mac":"fa:16:3e:00:00:0{}","address":"10.0.0.{}","interface":"tap{}"}})",
        mac, address, tap);
  };
  EXPECT_THAT(client.put(Kind::port, "db", port(12, 2, 2)).edit(), IsEmpty());
  EXPECT_THAT(
      client.put(Kind::port, "db", port(11, 1, 1)).put(Kind::port, "web", port(12, 2, 2)).edit(),
      IsEmpty());
  EXPECT_EQ(cloud.cloud().ports.at("db").address, IpAddress::parse("10.0.0.11"));
}

TEST(CheckedCloud, LetsAddressesFollowTheirNetwork) {
  CheckedCloud cloud = checked(kDocument);
  Client client(cloud);
  EXPECT_THAT(
      client
          .put(
              Kind::network, "blue",
              R"({"cidr":"10.0.0.0/24","gateway":"10.0.0.1","cidr6":"fd00::/64","gateway6":"fd00::1"})")
          .edit(),
      IsEmpty());
  EXPECT_EQ(cloud.cloud().ports.at("web").address6, IpAddress::parse("fd00::f816:3eff:fe00:1"));
  EXPECT_THAT(client.changes().ports, ElementsAre("web"));
  EXPECT_THAT(client.changes().networks, ElementsAre("blue"));
}

TEST(CheckedCloud, KnowsTheRoutersThatPortsName) {
  CheckedCloud cloud = checked(R"(
hosts: {h1: {vm_interface: eth1}}
networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, gateway_mode: hardware, host_address: 10.0.0.2}}
)");
  Client client(cloud);
  const auto port = [](const char* router) {
    return fmt::format(
        R"({{"network":"blue","host":"h1","mac":"fa:16:3e:00:00:01","address":"10.0.0.11","interface":"tap1","gateway":"{}"}})",
        router);
  };
  EXPECT_THAT(client.put(Kind::port, "web", port("10.0.0.3")).edit(), IsEmpty());
  EXPECT_THAT(client.changes().networks, ElementsAre("blue"));
  EXPECT_THAT(cloud.cloud().networks.at("blue").other_routers,
              ElementsAre(*IpAddress::parse("10.0.0.3")));
  EXPECT_THAT(client.put(Kind::port, "web", port("10.0.0.1")).edit(), IsEmpty());
  EXPECT_THAT(cloud.cloud().networks.at("blue").other_routers, IsEmpty());
}

TEST(CheckedCloud, GivesNewObjectsThePlaceBehindTheOthers) {
  CheckedCloud cloud = checked(kDocument);
  Client client(cloud);
  const auto place = cloud.cloud().floating_ips.at(*IpAddress::parse("203.0.113.1")).order;
  client.put(Kind::floating_ip, "203.0.113.2", "{}").edit();
  client.put(Kind::floating_ip, "203.0.113.1", R"({"port":"web","announce":1})").edit();
  EXPECT_EQ(cloud.cloud().floating_ips.at(*IpAddress::parse("203.0.113.1")).order, place);
  EXPECT_EQ(cloud.cloud().floating_ips.at(*IpAddress::parse("203.0.113.2")).order,
            place + kBetween);
}

TEST(CheckedCloud, ChecksWithoutAChange) {
  CheckedCloud cloud = checked(kDocument);
  const Cloud before = cloud.cloud();
  Findings findings;
  auto ip =
      read_json(cloud.cloud(), {Kind::floating_ip, "203.0.113.9"}, R"({"port":"web"})", findings);
  for (int i = 0; i < 2; ++i) {
    const auto edits = cloud.check({{{Kind::floating_ip, "203.0.113.9"}, ip->object}});
    ASSERT_TRUE(edits);
    ASSERT_EQ(edits->size(), 1u);
    EXPECT_EQ(std::get<FloatingIp>(*edits->front().object).order, 2 * kBetween);
  }
  EXPECT_TRUE(cloud.cloud() == before);
}

TEST(CheckedCloud, TellsWhatReadingHasFoundBesideTheRest) {
  CheckedCloud cloud = checked(kDocument);
  Client client(cloud);
  EXPECT_THAT(
      client
          .put(
              Kind::port, "db",
              R"({"network":"green","host":"h1","mac":"fa:16:3e:00:00:02","address":"10.0.0.300","interface":"tap2"})")
          .edit(),
      ElementsAre("bad-value: ports.db.address: \"10.0.0.300\" is not an IPv4 address",
                  "dangling: ports.db.network: there is no network green"));
}

TEST(CheckedCloud, ValidatesPools) {
  CheckedCloud cloud = checked(kDocument);
  Client client(cloud);
  EXPECT_THAT(client.put(Kind::pool, "public", R"({"ranges":["10.0.0.128/25"],"uplink":"lan"})")
                  .put(Kind::pool, "mine", R"({"ranges":["10.0.1.0/24"],"network":"blue"})")
                  .edit(),
              ElementsAre("outside-network: pools.mine.ranges[0]: 10.0.1.0/24 is outside network "
                          "blue (10.0.0.0/24)",
                          "overlap: pools.public.ranges[0]: 10.0.0.128/25 overlaps network blue",
                          "dangling: pools.public.uplink: no host has an uplink lan"));
  EXPECT_THAT(
      client.put(Kind::pool, "public", R"({"ranges":["203.0.113.0/24"],"uplink":"wan"})").edit(),
      IsEmpty());
  EXPECT_THAT(client.put(Kind::pool, "other", R"({"ranges":["203.0.113.7"]})").edit(),
              ElementsAre("overlap: pools.other.ranges[0]: 203.0.113.7/32 overlaps 203.0.113.0/24 "
                          "of pool public"));
  EXPECT_EQ(cloud.pools().size(), 1u);
}

TEST(CheckedCloud, KnowsWhoHasAnAddress) {
  const CheckedCloud cloud = checked(kDocument);
  const Network& blue = cloud.cloud().networks.at("blue");
  EXPECT_EQ(cloud.holder(blue, *IpAddress::parse("10.0.0.1")), "the gateway of network blue");
  EXPECT_EQ(cloud.holder(blue, *IpAddress::parse("10.0.0.11")), "port web");
  EXPECT_EQ(cloud.holder(blue, *IpAddress::parse("10.0.0.12")), "");
  EXPECT_EQ(cloud.public_holder(*IpAddress::parse("203.0.113.1")), "floating IP 203.0.113.1");
  EXPECT_EQ(cloud.public_holder(*IpAddress::parse("203.0.113.2")), "");
  EXPECT_NE(cloud.public_holder(*IpAddress::parse("10.0.0.99")), "");
}

}  // namespace
}  // namespace novaplane::cloud::test
