#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "dataplane/cloud/checked_cloud.h"
#include "dataplane/cloud/document.h"
#include "dataplane/cloud/text.h"

/// Random edits of a random cloud, in a world so small that they collide: each is accepted exactly
/// if the document that comes of it is valid, and what is found is of the same kinds.
namespace novaplane::cloud::test {
namespace {

using Texts = std::map<ObjectName, std::string>;  ///< what a document would say

class RandomObjects {
 public:
  explicit RandomObjects(unsigned seed) : random_(seed) {}

  unsigned below(unsigned count) { return static_cast<unsigned>(random_() % count); }
  bool one_in(unsigned count) { return below(count) == 0; }

  ObjectName name() {
    switch (below(16)) {
      case 0:
        return {Kind::host, host()};
      case 1:
      case 2:
        return {Kind::network, network()};
      case 3:
      case 4:
      case 5:
        return {Kind::floating_ip, public_address()};
      case 6:
      case 7:
        return {Kind::port_forward, fmt::format("f{}", below(3))};
      case 8:
      case 9:
        return {Kind::security_group, group()};
      case 10:
        return one_in(2) ? ObjectName{Kind::ranges, std::string(kRangesName)}
                         : ObjectName{Kind::pool, fmt::format("pool{}", below(2))};
      default:
        return {Kind::port, port()};
    }
  }

  std::string json(const ObjectName& name) {
    switch (name.kind) {
      case Kind::ranges:
        return fmt::format(R"({{"no_snat":["10.{}.0.0/16","10.{}.0.0/16"]}})", below(9), below(9));
      case Kind::host:
        return host_json();
      case Kind::security_group:
        return group_json();
      case Kind::network:
        return network_json(static_cast<unsigned>(name.name.back() - '0'));
      case Kind::port:
        return port_json();
      case Kind::floating_ip:
        return floating_json();
      case Kind::port_forward:
        return forward_json();
      case Kind::pool:
        return fmt::format(R"({{"ranges":["{}"]{}}})", one_in(2) ? "203.0.113.0/30" : "10.1.0.0/28",
                           one_in(2) ? R"(,"network":"n1")" : "");
    }
    return "{}";
  }

 private:
  std::string host() { return fmt::format("h{}", below(3)); }
  std::string network() { return fmt::format("n{}", below(3)); }
  std::string port() { return fmt::format("p{}", below(7)); }
  std::string group() { return fmt::format("g{}", below(3)); }
  std::string public_address() {
    return one_in(6) ? fmt::format("2001:db8::{}", 1 + below(2))
                     : fmt::format("203.0.113.{}", below(4) + 1);
  }
  std::string maybe(unsigned one_of, const std::string& text) { return one_in(one_of) ? text : ""; }
  std::string one_of(std::initializer_list<const char*> words) {
    return *(words.begin() + below(static_cast<unsigned>(words.size())));
  }

  std::string host_json() {
    std::string text = R"({"prune":true)";
    text += maybe(2, R"(,"vm_interface":")" + one_of({"eth1", "eth2", "tap1"}) + '"');
    text += maybe(2, fmt::format(R"(,"tunnel_address":"192.0.2.{}")", 1 + below(3)));
    if (!one_in(3)) {
      text += fmt::format(
          R"(,"uplinks":[{{"name":"{}","interface":"eth0","source":"{}"}}])",
          one_of({"wan", "lan"}),
          one_of({"192.0.2.99", "192.0.2.99", "203.0.113.1", "10.1.0.7", "192.0.2.98"}));
    }
    const unsigned on = below(3);
    text +=
        maybe(2, fmt::format(R"(,"gateways":{{"n{}":"{}.{}"}})", on, range_of(on), 3 + below(3)));
    text += maybe(5, R"(,"mark_mask":"0x1ff")");
    return text + '}';
  }

  /// The first three bytes of a network.
  std::string range() { return one_of({"10.0.0", "10.1.0", "10.2.0", "10.1.0", "203.0.113"}); }
  /// Mostly the one that the network has.
  std::string range_of(unsigned network) {
    return one_in(6) ? range() : fmt::format("10.{}.0", network);
  }

  std::string network_json(unsigned number) {
    const std::string range = range_of(number);
    const std::string mode =
        one_of({"shared", "shared", "hardware", "per-host", "per-host", "failover", "none"});
    std::string text = fmt::format(R"({{"cidr":"{}.0/28","gateway_mode":"{}")", range, mode);
    if (mode != "none" || one_in(4)) {
      text += fmt::format(R"(,"gateway":"{}.{}")", range, 1 + below(2));
    }
    if (mode == "failover") text += R"(,"gateway_hosts":["h0","h1"])";
    text += maybe(mode == "hardware" ? 1 : 12, fmt::format(R"(,"host_address":"{}.4")", range));
    text += maybe(4, fmt::format(R"(,"cidr6":"fd0{0}::/64","gateway6":"fd0{0}::1")", below(2)));
    switch (below(4)) {
      case 0:
        text += fmt::format(R"(,"segment":{{"vlan":{}}})", 7 + below(4));
        break;
      case 1:
        text += fmt::format(R"(,"segment":{{"vxlan":{}}})", 7 + below(4));
        break;
      default:
        text += fmt::format(R"(,"interface":"eth{}")", 4 + below(4));
    }
    text += maybe(4, fmt::format(R"(,"security_groups":["{}"])", group()));
    text += maybe(9, R"(,"bridge":"tap2")");
    return text + '}';
  }

  std::string port_json() {
    const unsigned number = below(3);
    const std::string on = range_of(number);
    std::string text =
        fmt::format(R"({{"network":"n{}","mac":"fa:16:3e:00:00:{:02x}","address":"{}.{}")", number,
                    1 + below(9), on, 3 + below(7));
    if (!one_in(5)) text += fmt::format(R"(,"host":"{}","interface":"tap{}")", host(), below(9));
    text += maybe(6, fmt::format(R"(,"migrating_to":"{}")", host()));
    text += maybe(7, fmt::format(R"(,"gateway":"{}.{}")", on, 1 + below(3)));
    text += maybe(9, fmt::format(R"(,"address6":"fd00::{}")", 5 + below(3)));
    text += maybe(9, fmt::format(R"(,"hostname":"{}")", one_of({"P1", "www"})));
    text += maybe(9, R"(,"port_security":false)");
    text += maybe(4, fmt::format(R"(,"security_groups":["{}"])", group()));
    const std::string pair = one_in(3) ? one_of({"192.0.2.0/30", "192.0.2.98", "192.0.2.96/29"})
                                       : on + '.' + one_of({"3", "7", "8/30", "12/31", "2"});
    text += maybe(4, fmt::format(R"(,"allowed_pairs":[{{"address":"{}"}}])", pair));
    return text + '}';
  }

  std::string floating_json() {
    std::string text = R"({"announce":2)";
    if (!one_in(4)) text += fmt::format(R"(,"port":"{}")", port());
    text += maybe(4, fmt::format(R"(,"uplink":"{}")", one_of({"wan", "lan", "any"})));
    return text + '}';
  }

  std::string forward_json() {
    const unsigned first = 80 + below(4), last = first + below(3);
    return fmt::format(
        R"({{"address":"{}","protocol":"{}","port":"{}-{}","to_port":"{}","to":22}})",
        fmt::format("203.0.113.{}", 4 + below(2)), one_of({"tcp", "tcp", "udp"}), first, last,
        port());
  }

  std::string group_json() {
    return fmt::format(R"({{"ingress":[{{"protocol":"tcp","ports":22{}}}]}})",
                       maybe(3, fmt::format(R"(,"from_group":"{}")", group())));
  }

  std::mt19937 random_;
};

std::string document_of(const Texts& texts) {
  std::map<std::string, std::string> sections;
  std::string top;
  for (const auto& [name, json] : texts) {
    if (name.kind == Kind::ranges && json == "{}") continue;
    if (name.kind == Kind::ranges) {
      top += json.substr(1, json.size() - 2) + ", ";
      continue;
    }
    sections[std::string(section_of(name.kind))] += fmt::format("\"{}\": {}, ", name.name, json);
  }
  for (const auto& [section, objects] : sections) {
    top += fmt::format("\"{}\": {{{}}}, ", section, objects.substr(0, objects.size() - 2));
  }
  return "{" + (top.empty() ? "" : top.substr(0, top.size() - 2)) + "}";
}

Cloud without_places(Cloud cloud) {
  for (auto& [name, object] : cloud.networks) object.order = 0;
  const auto forget_place = [](const auto&, auto& object) { object.order = 0; };
  cloud.ports.edit_each(forget_place);
  cloud.floating_ips.edit_each(forget_place);
  for (auto& [name, object] : cloud.port_forwards) object.order = 0;
  for (auto& [name, object] : cloud.security_groups) object.order = 0;
  return cloud;
}

template <class Found>
std::set<std::string> kinds_of(const std::vector<Found>& found) {
  std::set<std::string> kinds;
  for (const Found& one : found) kinds.insert(one.kind);
  return kinds;
}

std::string told(const std::vector<Mistake>& mistakes) {
  std::string text;
  for (const Mistake& mistake : mistakes) text += mistake.kind + ": " + mistake.text + '\n';
  return text;
}
std::string told(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& finding : findings) {
    text += fmt::format("{}: {}: {}\n", finding.kind, to_string(finding.path), finding.sentence);
  }
  return text;
}

class RandomRun {
 public:
  explicit RandomRun(unsigned seed) : objects_(seed) {}

  std::size_t accepted = 0, refused = 0;
  std::set<std::string> kinds;

  void step() {
    Texts after = texts_;
    std::vector<ObjectEdit> edits;
    Findings findings;
    for (unsigned count = 1 + objects_.below(3); count > 0; --count) {
      const ObjectName name = objects_.name();
      const bool exists = after.contains(name);
      if (exists && name.kind != Kind::ranges && objects_.one_in(4)) {
        after.erase(name);
        edits.push_back({name, std::nullopt});
        continue;
      }
      const std::string json = objects_.json(name);
      auto object = read_json(cloud_.cloud(), name, json, findings);
      ASSERT_TRUE(object) << json;
      after[name] = json;
      edits.push_back({name, std::move(object->object)});
    }
    compare(after, std::move(edits), std::move(findings));
  }

 private:
  void compare(Texts& after, std::vector<ObjectEdit> edits, Findings findings) {
    const std::string document = document_of(after);
    const auto whole = parse(document, "random");
    const Cloud before = cloud_.cloud();
    const auto edited = cloud_.edit(std::move(edits), std::move(findings));
    ASSERT_EQ(edited.has_value(), whole.has_value())
        << document << "\nwhole:\n"
        << (whole ? "" : told(whole.error())) << "edit:\n"
        << (edited ? "" : told(edited.error()));
    if (edited) {
      ++accepted;
      texts_ = std::move(after);
      ASSERT_TRUE(without_places(cloud_.cloud()) == without_places(*whole)) << document;
      return;
    }
    ++refused;
    const auto found = kinds_of(edited.error());
    kinds.insert(found.begin(), found.end());
    ASSERT_EQ(found, kinds_of(whole.error())) << document << "\nwhole:\n"
                                              << told(whole.error()) << "edit:\n"
                                              << told(edited.error());
    ASSERT_TRUE(cloud_.cloud() == before) << document;
  }

  RandomObjects objects_;
  CheckedCloud cloud_;
  Texts texts_{{{Kind::ranges, std::string(kRangesName)}, "{}"}};
};

TEST(CheckedCloudProperty, AcceptsWhatTheWholeDocumentWouldBe) {
  constexpr unsigned kRuns = 60, kSteps = 120;
  std::size_t accepted = 0, refused = 0;
  std::set<std::string> kinds;
  for (unsigned seed = 1; seed <= kRuns; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomRun run(seed);
    for (unsigned step = 0; step < kSteps && !HasFatalFailure(); ++step) run.step();
    if (HasFatalFailure()) return;
    accepted += run.accepted;
    refused += run.refused;
    kinds.insert(run.kinds.begin(), run.kinds.end());
  }
  // The world is small enough for mistakes of all kinds, and large enough for a cloud.
  EXPECT_GT(accepted, kRuns * kSteps / 10);
  EXPECT_GT(refused, kRuns * kSteps / 10);
  EXPECT_THAT(kinds,
              testing::IsSupersetOf({"dangling", "duplicate-mac", "duplicate-address",
                                     "duplicate-interface", "duplicate-hostname", "overlap",
                                     "link-conflict", "wrong-mode", "wrong-family", "missing",
                                     "reserved-address", "outside-network", "no-host"}));
}

}  // namespace
}  // namespace novaplane::cloud::test
