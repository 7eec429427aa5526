#include "dataplane/cloud/security.h"

#include <unistd.h>

#include <fstream>

#include "dataplane/cloud/document.h"
#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Cloud read(const std::string& document) {
  auto cloud = parse(document, "cloud.yaml");
  if (cloud) return std::move(*cloud);
  for (const Mistake& mistake : cloud.error()) ADD_FAILURE() << mistake.message();
  return {};
}
Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

GroupRule rule(std::uint8_t protocol, std::vector<PortRange> ports, std::vector<Prefix> ranges = {},
               std::string group = {}) {
  GroupRule rule;
  rule.protocol = protocol;
  rule.ports = std::move(ports);
  rule.ranges = std::move(ranges);
  rule.group = std::move(group);
  return rule;
}

constexpr auto kAll = R"(
hosts:
  h1: {new_flows: 50, metadata: 127.0.0.1:8775}
  h2: {metadata: 127.0.0.1:8775}
security_groups:
  web:
    ingress:
      - {protocol: tcp, ports: [80, 8000-8100], from: [192.0.2.0/24, 198.51.100.7]}
      - {protocol: icmpv6, type: 128, code: 0, from: '2001:db8::7'}
      - {protocol: 89, from_group: db}
      - {protocol: udp, ports: 53}
      - {}
    log: true
  db:
    egress: [{protocol: any, to: 10.0.0.0/8}, {protocol: sctp, ports: 1-65535, to_group: web}]
  all: {egress: all}
  quiet: {egress: []}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, security_groups: [web, db], privacy_addresses: false}
  red: {cidr: 10.1.0.0/24, gateway: 10.1.0.1}
ports:
  a:
    network: blue
    mac: fa:16:3e:00:00:01
    address: 10.0.0.11
    allowed_pairs:
      - {address: 10.0.0.100, mac: 00:00:5e:00:01:07}
      - {address: 10.9.0.0/16}
      - {address: 'fe80::/64'}
    log: true
  b: {network: blue, mac: fa:16:3e:00:00:02, address: 10.0.0.12, security_groups: [quiet, all]}
  c: {network: blue, mac: fa:16:3e:00:00:03, address: 10.0.0.13, security_groups: []}
  d: {network: blue, mac: fa:16:3e:00:00:04, address: 10.0.0.14, port_security: false}
)";

TEST(SecurityGroups, AreRead) {
  const Cloud cloud = read(kAll);
  const SecurityGroup& web = cloud.security_groups.at("web");
  GroupRule icmp = rule(58, {}, {prefix("2001:db8::7/128")});
  icmp.type = 128;
  icmp.code = 0;
  EXPECT_THAT(web.ingress,
              ElementsAre(rule(6, {{80, 80}, {8000, 8100}},
                               {prefix("192.0.2.0/24"), prefix("198.51.100.7/32")}),
                          icmp, rule(89, {}, {}, "db"), rule(17, {{53, 53}}), GroupRule{}));
  EXPECT_FALSE(web.egress);
  EXPECT_TRUE(web.log);
  const SecurityGroup& db = cloud.security_groups.at("db");
  EXPECT_THAT(db.ingress, IsEmpty());
  ASSERT_TRUE(db.egress);
  EXPECT_THAT(*db.egress,
              ElementsAre(rule(0, {}, {prefix("10.0.0.0/8")}), rule(132, {{1, 65535}}, {}, "web")));
  EXPECT_FALSE(cloud.security_groups.at("all").egress);
  EXPECT_EQ(cloud.security_groups.at("quiet").egress, std::vector<GroupRule>());
}

TEST(SecurityGroups, AreThoseOfThePortOrItsNetwork) {
  const Cloud cloud = read(kAll);
  EXPECT_THAT(groups_of(cloud, cloud.ports.at("a")), ElementsAre("db", "web"));
  EXPECT_THAT(groups_of(cloud, cloud.ports.at("b")), ElementsAre("all", "quiet"));
  EXPECT_THAT(groups_of(cloud, cloud.ports.at("c")), IsEmpty());
  EXPECT_THAT(groups_of(cloud, cloud.ports.at("d")), IsEmpty()) << "without port_security";
}

TEST(PortSecurity, IsRead) {
  const Cloud cloud = read(kAll);
  const Port& port = cloud.ports.at("a");
  EXPECT_TRUE(port.port_security);
  EXPECT_TRUE(port.log);
  EXPECT_THAT(
      port.allowed_pairs,
      ElementsAre(AllowedPair{prefix("10.0.0.100/32"), Mac::parse("00:00:5e:00:01:07")},
                  AllowedPair{prefix("10.9.0.0/16"), {}}, AllowedPair{prefix("fe80::/64"), {}}));
  EXPECT_FALSE(cloud.ports.at("d").port_security);
  EXPECT_FALSE(cloud.networks.at("blue").privacy_addresses);
  EXPECT_TRUE(cloud.networks.at("red").privacy_addresses);
}

TEST(SecurityGroups, AHostSaysHowManyFlowsAPortMayBegin) {
  const Cloud cloud = read(kAll);
  EXPECT_EQ(cloud.hosts.at("h1").new_flows, 50u);
  EXPECT_EQ(cloud.hosts.at("h2").new_flows, 1000u);
}

/// Which says so, and is valid.
TEST(SecurityGroups, ThatNobodyHasAreAHint) {
  const std::string file = "/tmp/novaplane-hints-" + std::to_string(::getpid());
  std::ofstream(file) << kBeginning
                      << "security_groups:\n  old: {}\n  web: {ingress: [{from_group: old}]}\n"
                         "ports:\n  a: {network: blue, mac: fa:16:3e:00:00:01, address: 10.0.0.11, "
                         "security_groups: [web]}\n";
  const auto cloud = parse_file(file);
  ASSERT_TRUE(cloud);
  const std::vector<Mistake> found = hints(*cloud, file);
  ::unlink(file.c_str());
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].message(),
            file + ":7:3: security_groups.old: no port and no network has this group");
  EXPECT_EQ(found[0].kind, "unused");
}

/// Other hosts, and other versions, know a list by the same number.
TEST(NumberOfGroups, IsStable) {
  EXPECT_EQ(number_of({"web"}), 0x16d2ffe8u);
  EXPECT_EQ(number_of({"db", "web"}), 0x885424abu);
  EXPECT_EQ(number_of({"web", "db"}), number_of({"db", "web"}));
  EXPECT_NE(number_of({"dbweb"}), number_of({"db", "web"}));
  EXPECT_NE(number_of({}), 0u);
}

}  // namespace
}  // namespace novaplane::cloud::test
