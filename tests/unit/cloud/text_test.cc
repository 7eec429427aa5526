#include "dataplane/cloud/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "dataplane/cloud/schema.h"
#include "tests/unit/cloud/whole_documents.h"

namespace novaplane::cloud::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Cloud parsed(const std::string& document) {
  auto cloud = parse(document, "cloud.yaml");
  if (cloud) return std::move(*cloud);
  for (const Mistake& mistake : cloud.error()) ADD_FAILURE() << mistake.message();
  return {};
}

std::vector<std::string> found_in(const Cloud& cloud, const ObjectName& name,
                                  const std::string& json, const ReadOptions& options = {}) {
  Findings findings;
  read_json(cloud, name, json, findings, options);
  std::vector<std::string> found;
  for (const Finding& finding : findings.take()) {
    found.push_back(
        fmt::format("{}: {}: {}", finding.kind, to_string(finding.path), finding.sentence));
  }
  return found;
}

/// Notes the way to each key that is written.
class WrittenKeys {
 public:
  void on(const Event& event) {
    if (event.closes()) {
      path_.pop_back();
      levels_.pop_back();
    } else if (!levels_.empty() && levels_.back().awaits_key) {
      levels_.back().awaits_key = false;
      path_.back() = event.text;
      keys.insert(fmt::format("{}", fmt::join(without_names(), ".")));
      return;
    }
    if (event.opens()) {
      levels_.push_back({event.kind == Event::Kind::open_map});
      path_.emplace_back();
    }
    if (!levels_.empty()) levels_.back().awaits_key = levels_.back().is_map;
    if (event.opens()) return;
  }

  std::set<std::string> keys;

 private:
  struct Level {
    bool is_map = false;
    bool awaits_key = false;
  };
  /// "ports.web1.mac" as "ports.mac"; elements of lists have no name.
  std::vector<std::string> without_names() const {
    std::vector<std::string> steps;
    for (std::size_t i = 0; i < path_.size(); ++i) {
      if (i != 1 && !path_[i].empty()) steps.push_back(path_[i]);
    }
    return steps;
  }
  std::vector<std::string> path_;
  std::vector<Level> levels_;
};

TEST(Schema, WritesEachKey) {
  WrittenKeys written;
  const Pools pools{{"public",
                     {"public",
                      {*Prefix::parse("203.0.113.0/28")},
                      {*Prefix::parse("203.0.113.1/32")},
                      "web",
                      "wan"}}};
  for (const std::string& document : whole_documents()) {
    const Cloud cloud = parsed(document);
    Writer writer(cloud, [&](const Event& event) { written.on(event); });
    write_document(pools, writer);
  }
  std::vector<std::string> missing;
  std::size_t keys = 0;
  visit_schema([&](const std::string& path) {
    ++keys;
    if (!written.keys.contains(path)) missing.push_back(path);
  });
  EXPECT_THAT(missing, IsEmpty());
  EXPECT_GT(keys, 100u);
}

TEST(Text, OfADocumentIsAFixPoint) {
  for (const std::string& document : whole_documents()) {
    const Cloud cloud = parsed(document);
    const std::string yaml = to_yaml(cloud);
    SCOPED_TRACE(yaml);
    const Cloud again = parsed(yaml);
    EXPECT_TRUE(again == cloud);
    EXPECT_EQ(to_yaml(again), yaml);
    const std::string json = to_json(cloud);
    SCOPED_TRACE(json);
    EXPECT_TRUE(parsed(json) == cloud);
  }
}

TEST(Text, OfADocumentStandsInBlocks) {
  const Cloud cloud = parsed(R"(
hosts: {h1: {allow: [tcp/22, udp/53], uplinks: [{name: wan, interface: eth0}]}, h2: {}}
networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, bridge: br-blue, mtu: 1400, dhcp: {lease: 24h}}}
ports: {web: {network: blue, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, hostname: web, security_groups: []}}
)");
  EXPECT_EQ(to_yaml(cloud), R"(hosts:
  h1:
    allow: [tcp/22, udp/53]
    uplinks:
      - name: wan
        interface: eth0
  h2: {}
networks:
  blue:
    cidr: 10.0.0.0/24
    gateway: 10.0.0.1
    mtu: 1400
ports:
  web:
    network: blue
    mac: "fa:16:3e:00:00:01"
    address: 10.0.0.11
    security_groups: []
)");
}

TEST(Text, OfEachObjectIsAFixPoint) {
  for (const std::string& document : whole_documents()) {
    const Cloud cloud = parsed(document);
    const auto check = [&](const ObjectName& name) {
      SCOPED_TRACE(to_string(name));
      AnyObject object = *find_object(cloud, name);
      const std::string stored = to_stored(cloud, object);
      Findings findings;
      const auto again = read_stored(cloud, name, stored, findings);
      ASSERT_TRUE(again && findings.empty()) << stored;
      if (auto* network = std::get_if<Network>(&object)) network->other_routers.clear();
      EXPECT_TRUE(again->object == object) << stored;
      EXPECT_EQ(again->unknown, "");
      EXPECT_EQ(to_stored(cloud, again->object), stored);
    };
    check({Kind::ranges, std::string(kRangesName)});
    for (const auto& [name, object] : cloud.hosts) check({Kind::host, name});
    for (const auto& [name, object] : cloud.networks) check({Kind::network, name});
    for (const auto& [name, object] : cloud.ports) check({Kind::port, name});
    for (const auto& [name, object] : cloud.floating_ips) {
      check({Kind::floating_ip, name.to_string()});
    }
    for (const auto& [name, object] : cloud.port_forwards) check({Kind::port_forward, name});
    for (const auto& [name, object] : cloud.security_groups) check({Kind::security_group, name});
  }
}

TEST(Text, OfAnObjectHasItsKeysInTheirOrder) {
  const Cloud cloud = parsed(whole_documents().front());
  const auto json = [&](Kind kind, const std::string& name) {
    return to_json(cloud, *find_object(cloud, {kind, name}));
  };
  EXPECT_EQ(
      json(Kind::port, "web2"),
      R"({"network":"web","host":"compute1","migrating_to":"compute2","mac":"fa:16:3e:00:00:02",)"
      R"("address":"10.1.0.12","interface":"tap2","port_security":false,"security_groups":[]})");
  EXPECT_EQ(json(Kind::floating_ip, "203.0.113.12"), "{}");
  EXPECT_EQ(json(Kind::port_forward, "games"),
            R"({"address":"203.0.113.20","protocol":"udp","port":"8000-8010","to_port":"web1",)"
            R"("to":"9000-9010"})");
  EXPECT_EQ(json(Kind::ranges, "snat"),
            R"({"no_snat":["10.0.0.0/8","fd00::/8"],"force_snat":["198.51.100.0/24"]})");
}

TEST(Text, LeavesOutWhatFollowsFromTheRest) {
  const Cloud cloud = parsed(R"(
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "fd00::/64", gateway6: "fd00::1", bridge: br-blue, segment: {vlan: 7}}
ports:
  web: {network: blue, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, address6: "fd00::f816:3eff:fe00:1", hostname: web}
)");
  const std::string yaml = to_yaml(cloud);
  EXPECT_THAT(yaml, Not(HasSubstr("bridge")));
  EXPECT_THAT(yaml, Not(HasSubstr("address6")));
  EXPECT_THAT(yaml, Not(HasSubstr("hostname")));
  EXPECT_THAT(yaml, HasSubstr("gateway6"));
}

TEST(ReadJson, FillsInWhatFollowsFromTheRest) {
  const Cloud cloud = parsed(
      R"(networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, cidr6: "fd00::/64", gateway6: "fd00::1", segment: {vlan: 7}}})");
  Findings findings;
  const auto port = read_json(
      cloud, {Kind::port, "web_1"},
      R"({"network": "blue", "mac": "fa:16:3e:00:00:01", "address": "10.0.0.11"})", findings);
  ASSERT_TRUE(port && findings.empty());
  EXPECT_EQ(std::get<Port>(port->object).hostname, "web-1");
  EXPECT_EQ(std::get<Port>(port->object).address6, IpAddress::parse("fd00::f816:3eff:fe00:1"));
  const auto network = read_json(cloud, {Kind::network, "red"},
                                 R"({"cidr": "10.1.0.0/24", "gateway_mode": "none"})", findings);
  EXPECT_EQ(std::get<Network>(network->object).bridge, "br-red");
  EXPECT_FALSE(std::get<Network>(network->object).dhcp.enabled);
}

TEST(ReadJson, FindsWhatCheckFinds) {
  const Cloud cloud;
  EXPECT_THAT(
      found_in(cloud, {Kind::port, "web"}, R"({"adress": "10.0.0.1", "log": "true"})"),
      ElementsAre("unknown-key: ports.web.adress: unknown key; did you mean address?",
                  "wrong-type: ports.web.log: \"true\" is not true or false (without quotes)",
                  "missing: ports.web.network: is missing", "missing: ports.web.mac: is missing",
                  "missing: ports.web.address: is missing"));
  EXPECT_THAT(found_in(cloud, {Kind::port, "web"}, "[]"),
              ElementsAre("wrong-type: ports.web: must be a map, not a list"));
  EXPECT_THAT(
      found_in(
          cloud, {Kind::network, "red"},
          R"({"cidr": "10.0.0.0/24", "gateway_mode": "none", "mtu": -1, "mtu": 68.5, "dhcp": {"enabled": true}})"),
      ElementsAre("wrong-type: networks.red.mtu: \"-1\" is not a number from 68 to 65535",
                  "duplicate-key: networks.red.mtu: stands here a second time",
                  "wrong-mode: networks.red.dhcp.enabled: with gateway_mode none the host "
                  "has no address to serve from"));
  EXPECT_THAT(found_in(cloud, {Kind::floating_ip, "203.0.113.300"}, "{}"),
              ElementsAre(HasSubstr("bad-value: floating_ips.203.0.113.300: ")));
  EXPECT_THAT(found_in(cloud, {Kind::host, "-h"}, "{}"),
              ElementsAre(HasSubstr("bad-name: hosts.-h: ")));
  EXPECT_THAT(found_in(cloud, {Kind::ranges, "snat"}, R"({"no_snat": ["10.0.0.1/8"]})"),
              ElementsAre(HasSubstr("bad-value: no_snat[0]: 10.0.0.1/8 is not a range")));
  EXPECT_THAT(found_in(cloud, {Kind::host, "h1"}, R"({"prune": true)"),
              ElementsAre(HasSubstr("syntax: hosts.h1: is no JSON: ")));
}

TEST(ReadJson, MayLackWhatWillBeAllocated) {
  EXPECT_THAT(
      found_in({}, {Kind::port, "web"}, R"({"network": "blue"})", {.optional = {"mac", "address"}}),
      IsEmpty());
  EXPECT_THAT(found_in({}, {Kind::port, "web"}, "{}", {.optional = {"mac", "address"}}),
              ElementsAre("missing: ports.web.network: is missing"));
}

std::string deeply_nested(const std::string& open, const std::string& close) {
  constexpr int kLevels = 200'000;
  std::string text;
  for (int i = 0; i < kLevels; ++i) text += open;
  text += "1";
  for (int i = 0; i < kLevels; ++i) text += close;
  return text;
}

TEST(ReadJson, RefusesWhatIsNestedTooDeeply) {
  const ObjectName name{Kind::host, "h1"};
  for (const std::string& text : {deeply_nested("[", "]"), deeply_nested(R"({"a":)", "}")}) {
    EXPECT_THAT(found_in({}, name, text),
                testing::Contains("syntax: hosts.h1: is no JSON: nested too deeply"));
  }
}

TEST(ReadJson, AppliesAMergePatch) {
  EXPECT_EQ(patched(R"({"mtu":1400,"dhcp":{"domain":"a","lease":"1h"}})",
                    R"({"mtu":null,"dhcp":{"lease":"2h"}})"),
            R"({"dhcp":{"domain":"a","lease":"2h"}})");
  EXPECT_EQ(patched("{}", "[]"), std::nullopt);
  EXPECT_EQ(patched("{}", "{"), std::nullopt);
  EXPECT_EQ(patched("{}", deeply_nested(R"({"a":)", "}")), std::nullopt);
}

TEST(ParsePart, LeavesReferencesToTheRest) {
  const std::string part = "ports:\n  web: {network: blue}\n  db: {network: 7, adress: 1}\n";
  const auto wrong = parse_part(part, "part.yaml", std::vector<std::string_view>{"mac", "address"});
  ASSERT_FALSE(wrong);
  ASSERT_EQ(wrong.error().size(), 1u);
  EXPECT_EQ(wrong.error().front().message(),
            "part.yaml:3:20: ports.db.adress: unknown key; did you mean address?");
  EXPECT_TRUE(parse_part("ports: {web: {network: blue}}", "part.yaml",
                         std::vector<std::string_view>{"mac", "address"}));
  const auto located = locate_mistakes(
      part, "part.yaml",
      {{{"ports", "web", "network"}, "dangling", "there is no network blue", {}, false}});
  EXPECT_EQ(located.front().message(),
            "part.yaml:2:18: ports.web.network: there is no network blue");
}

TEST(ReadStored, KeepsWhatANewerVersionHasWritten) {
  const Cloud cloud;
  const ObjectName name{Kind::host, "h1"};
  const std::string newer =
      R"({"vm_interface":"eth1","uplinks":[{"name":"a","interface":"eth2","color":"red"},{"name":"b","interface":"eth3"}],)"
      R"("probe":{"deep":[1,{"x":null}]}})";
  Findings findings;
  auto read = read_stored(cloud, name, newer, findings);
  ASSERT_TRUE(read && findings.empty());
  EXPECT_EQ(to_stored(cloud, read->object, read->unknown), newer);

  auto& host = std::get<Host>(read->object);
  host.router = true;
  EXPECT_THAT(to_stored(cloud, host, read->unknown), HasSubstr(R"("color":"red")"));
  host.uplinks.erase(host.uplinks.begin());
  const std::string shorter = to_stored(cloud, host, read->unknown);
  EXPECT_THAT(shorter, Not(HasSubstr("color")));
  EXPECT_THAT(shorter, HasSubstr(R"("probe":{"deep":[1,{"x":null}]})"));
}

TEST(ReadStored, HasThePlaceOfTheObject) {
  const Cloud cloud;
  Findings findings;
  const ObjectName name{Kind::floating_ip, "203.0.113.1"};
  auto read = read_stored(cloud, name, R"({"order":3145728,"rate":{"order":1}})", findings);
  ASSERT_TRUE(read && findings.empty());
  EXPECT_EQ(std::get<FloatingIp>(read->object).order, 3145728u);
  EXPECT_EQ(to_stored(cloud, read->object, read->unknown),
            R"({"rate":{"order":1},"order":3145728})");
  read = read_stored(cloud, name, "{}", findings);
  EXPECT_EQ(to_stored(cloud, read->object), "{}");
  EXPECT_THAT(found_in(cloud, name, R"({"order":1})"),
              ElementsAre(HasSubstr("unknown-key: floating_ips.203.0.113.1.order")));
}

}  // namespace
}  // namespace novaplane::cloud::test
