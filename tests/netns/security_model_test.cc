#include <netinet/in.h>

#include <cstdlib>
#include <iostream>
#include <optional>
#include <random>
#include <set>

#include <fmt/ranges.h>

#include "dataplane/base/address.h"
#include "tests/netns/guarded_world.h"

/// Random groups, ports and packets: what arrives is what a few lines here say may.
namespace novaplane::netns {
namespace {

constexpr int kVerdicts = 2000, kRounds = 20, kAPort = 10'000;

struct Rule {
  int protocol = 0;  ///< 0: any
  std::optional<std::pair<int, int>> ports;
  std::optional<int> type;
  std::string range, group;
};
struct Group {
  std::vector<Rule> ingress;
  std::optional<std::vector<Rule>> egress;
};
struct Guest {
  Vm* vm = nullptr;
  std::string address6;
  std::set<std::string> groups = {};  ///< none: not filtered
};
/// Ports of TCP and UDP; of ICMP the type in `port` and an identifier in `source`.
struct Packet {
  const Guest *from = nullptr, *to = nullptr;
  bool is_v4 = true;
  int protocol = 0, source = 0, port = 0;

  bool is_icmp() const { return protocol == IPPROTO_ICMP || protocol == IPPROTO_ICMPV6; }
  bool has_ports() const { return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP; }
  std::string text() const {
    return fmt::format("{} to {}, IPv{}, protocol {}, {} {}", from->vm->name(), to->vm->name(),
                       is_v4 ? 4 : 6, protocol, source, port);
  }
};

/// The model. Flows are not in it: no packet answers another.
class Model {
 public:
  std::map<std::string, Group> groups;

  bool arrives(const Packet& packet) const {
    return leaves(packet) &&
           (packet.to->groups.empty() || by_ingress(*packet.to, *packet.from, packet, packet.port));
  }

 private:
  bool leaves(const Packet& packet) const {
    const Guest& guest = *packet.from;
    if (guest.groups.empty()) return true;
    if (by_egress(packet)) return true;
    // What it says to those whom it serves.
    return packet.protocol != IPPROTO_TCP && !packet.is_icmp() &&
           by_ingress(guest, *packet.to, packet, packet.source);
  }
  bool by_egress(const Packet& packet) const {
    return std::ranges::any_of(packet.from->groups, [&](const std::string& name) {
      const Group& group = groups.at(name);
      return !group.egress || std::ranges::any_of(*group.egress, [&](const Rule& rule) {
        return matches(rule, *packet.to, packet, packet.port);
      });
    });
  }
  bool by_ingress(const Guest& guest, const Guest& other, const Packet& packet, int port) const {
    return std::ranges::any_of(guest.groups, [&](const std::string& name) {
      return std::ranges::any_of(groups.at(name).ingress, [&](const Rule& rule) {
        return matches(rule, other, packet, port);
      });
    });
  }
  static bool matches(const Rule& rule, const Guest& other, const Packet& packet, int port) {
    if (rule.protocol != 0 && rule.protocol != packet.protocol) return false;
    if (rule.ports && (port < rule.ports->first || port > rule.ports->second)) return false;
    if (rule.type && *rule.type != port) return false;
    if (!rule.group.empty() && !other.groups.contains(rule.group)) return false;
    return rule.range.empty() || is_in(rule.range, other, packet.is_v4);
  }
  static bool is_in(const std::string& range, const Guest& other, bool is_v4) {
    const auto address = IpAddress::parse(is_v4 ? other.vm->address() : other.address6).value();
    const auto prefix = Prefix::parse(range).value();
    return prefix.address.is_v4() == is_v4 && prefix.network() <= address &&
           address <= prefix.broadcast();
  }
};

class SecurityModelTest : public Ipv6Cloud {
 protected:
  SecurityModelTest() {
    std::cout << "seed " << seed_ << " (NOVAPLANE_SEED)\n";
    for (int i = 0; i < 5; ++i) {
      Host& host = i == 4 ? h2 : h1;
      Vm& vm = guest(fmt::format("g{}", i), host, "blue", fmt::format("10.0.0.{}", 16 + i));
      guests_.push_back({&vm, slaac(vm)});
      lines_.push_back(document.ports[vm.name()]);
    }
  }

  int any(int first, int last) { return std::uniform_int_distribution(first, last)(random_); }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all.at(static_cast<std::size_t>(any(0, static_cast<int>(all.size()) - 1)));
  }

  Rule any_rule() {
    Rule rule;
    rule.protocol = one_of<int>({0, IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP,
                                 IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_GRE});
    const bool has_ports = rule.protocol == IPPROTO_TCP || rule.protocol == IPPROTO_UDP;
    if (has_ports && any(0, 3) > 0) {
      const int first = one_of(ports_);
      rule.ports = {first, any(0, 1) ? first : first + any(1, 6000)};
    }
    if (rule.protocol == IPPROTO_ICMP && any(0, 1)) rule.type = one_of<int>({8, 13});
    if (rule.protocol == IPPROTO_ICMPV6 && any(0, 1)) rule.type = one_of<int>({128, 200});
    const int where = any(0, 5);
    if (where < 2) rule.group = one_of(names_);
    if (where == 2 || where == 3) rule.range = any_range(rule.protocol);
    if (rule.protocol == 0 && where > 3) rule.protocol = IPPROTO_TCP;
    return rule;
  }
  std::string any_range(int protocol) {
    static const std::vector<std::string> four{"10.0.0.16/32", "10.0.0.16/31", "10.0.0.18/31",
                                               "10.0.0.0/24",  "0.0.0.0/0",    "10.0.0.20/30"};
    static const std::vector<std::string> six{"2001:db8:1::/64", "::/0",
                                              "2001:db8:1:0:f816:3eff:fe00:10/127",
                                              "2001:db8:1:0:f816:3eff:fe00:14/128"};
    if (protocol == IPPROTO_ICMP) return one_of(four);
    if (protocol == IPPROTO_ICMPV6) return one_of(six);
    return one_of(any(0, 2) ? four : six);
  }
  std::vector<Rule> any_rules() {
    std::vector<Rule> rules(static_cast<std::size_t>(any(0, 4)));
    for (Rule& rule : rules) rule = any_rule();
    return rules;
  }

  static std::string text_of(const Rule& rule, const std::string& where) {
    std::vector<std::string> words;
    if (rule.protocol == IPPROTO_TCP) words.emplace_back("protocol: tcp");
    if (rule.protocol == IPPROTO_UDP) words.emplace_back("protocol: udp");
    if (rule.protocol == IPPROTO_ICMP) words.emplace_back("protocol: icmp");
    if (rule.protocol == IPPROTO_ICMPV6) words.emplace_back("protocol: icmpv6");
    if (rule.protocol == IPPROTO_GRE) words.emplace_back("protocol: 47");
    if (rule.ports) {
      const auto [first, last] = *rule.ports;
      words.push_back(first == last ? fmt::format("ports: {}", first)
                                    : fmt::format("ports: {}-{}", first, last));
    }
    if (rule.type) words.push_back(fmt::format("type: {}", *rule.type));
    if (!rule.range.empty()) words.push_back(fmt::format("{}: [\"{}\"]", where, rule.range));
    if (!rule.group.empty()) words.push_back(fmt::format("{}_group: {}", where, rule.group));
    return fmt::format("{{{}}}", fmt::join(words, ", "));
  }
  static std::string text_of(const std::vector<Rule>& rules, const std::string& where) {
    std::vector<std::string> texts;
    for (const Rule& rule : rules) texts.push_back(text_of(rule, where));
    return fmt::format("[{}]", fmt::join(texts, ", "));
  }

  /// Other groups, and other ports in them.
  void edit() {
    for (const std::string& name : names_) {
      Group group{any_rules(), std::nullopt};
      if (any(0, 1)) group.egress = any_rules();
      model_.groups[name] = group;
      document.security_groups[name] =
          fmt::format("ingress: {}, egress: {}", text_of(group.ingress, "from"),
                      group.egress ? text_of(*group.egress, "to") : "all");
    }
    for (std::size_t i = 0; i < guests_.size(); ++i) {
      Guest& guest = guests_[i];
      guest.groups.clear();
      for (int n = any(0, 3); n > 0; --n) guest.groups.insert(one_of(names_));
      document.ports[guest.vm->name()] =
          lines_[i] + fmt::format(", security_groups: [{}]", fmt::join(guest.groups, ", "));
    }
    world.up();
  }

  /// One of its ports, or its identifier, no other packet has.
  Packet any_packet() {
    Packet packet;
    packet.from = &one_of(guests_);
    do packet.to = &one_of(guests_);
    while (packet.to == packet.from);
    packet.is_v4 = any(0, 2) > 0;
    const int icmp = packet.is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6};
    packet.protocol = one_of<int>(
        {IPPROTO_TCP, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDP, IPPROTO_UDP, icmp, IPPROTO_GRE});
    packet.source = unique_++;
    if (packet.protocol == IPPROTO_GRE && packet.from > packet.to) {
      std::swap(packet.from, packet.to);  // whose flows have no ports
    }
    if (packet.is_icmp())
      packet.port = packet.is_v4 ? one_of<int>({8, 13}) : one_of<int>({128, 200});
    if (!packet.has_ports()) return packet;
    packet.port = one_of(ports_) + (any(0, 1) ? any(0, 10) : 0);
    if (packet.protocol == IPPROTO_UDP && any(0, 2) == 0) std::swap(packet.source, packet.port);
    return packet;
  }
  static std::string frame_of(const Packet& packet) {
    const auto address = [&](const Guest& guest) {
      return packet.is_v4 ? guest.vm->address() : guest.address6;
    };
    const raw::Ends ends{address(*packet.from), address(*packet.to)};
    const auto source = static_cast<std::uint16_t>(packet.source),
               port = static_cast<std::uint16_t>(packet.port);
    const std::string body = raw::big(source, 2) + raw::big(1, 2) + "a body of some length";
    const auto ip = [&]() -> std::string {
      switch (packet.protocol) {
        case IPPROTO_TCP:
          return raw::syn(ends, source, port);
        case IPPROTO_UDP:
          return raw::udp(ends, source, port, body);
        case IPPROTO_ICMP:
          return raw::icmp(ends, static_cast<std::uint8_t>(port), 0, body);
        case IPPROTO_ICMPV6:
          return raw::icmpv6(ends, static_cast<std::uint8_t>(port), body);
        default:
          return raw::ip(ends, IPPROTO_GRE, body);
      }
    };
    return raw::ethernet(packet.to->vm->mac(), packet.from->vm->mac(),
                         packet.is_v4 ? raw::kIpv4 : raw::kIpv6, ip());
  }

  /// A question of each guest that all others hear: the bridges know who is where, and what was
  /// sent before has arrived.
  void expect_all_heard(std::vector<Capture>& captures) {
    const std::string all = "ff:ff:ff:ff:ff:ff";
    std::vector<std::string> questions;
    for (const Guest& guest : guests_) {
      const auto target = fmt::format("172.31.{}.{}", unique_ / 256, unique_ % 256);
      questions.push_back(
          raw::ethernet(all, guest.vm->mac(), raw::kArp,
                        raw::arp(1, guest.vm->mac(), guest.vm->address(), all, target)));
      raw::send(*guest.vm, questions.back());
    }
    ++unique_;
    for (std::size_t i = 0; i < guests_.size(); ++i) {
      EXPECT_TRUE(eventually([&] {
        return std::ranges::count(captures[i].frames(), questions[i == 0 ? 1 : 0]) != 0 &&
               std::ranges::count(captures[i].frames(), questions[i == 4 ? 3 : 4]) != 0;
      }));
    }
  }
  void expect_as_modelled(const std::vector<Packet>& packets) {
    std::vector<Capture> captures;
    for (const Guest& guest : guests_) captures.emplace_back(*guest.vm, "eth0", "greater 1");
    const OneProcessor in_order;
    expect_all_heard(captures);
    std::vector<bool> expected;
    for (const Packet& packet : packets) {
      expected.push_back(model_.arrives(packet));
      raw::send(*packet.from->vm, frame_of(packet));
    }
    expect_all_heard(captures);
    for (std::size_t i = 0; i < packets.size(); ++i) {
      const auto place = static_cast<std::size_t>(packets[i].to - guests_.data());
      const bool arrived =
          std::ranges::count(captures[place].frames(), without_padding(frame_of(packets[i])),
                             without_padding) != 0;
      allowed_ += arrived;
      ASSERT_EQ(arrived, expected[i]) << packets[i].text() << "\n" << document.text();
    }
  }

  static unsigned seed() {
    const char* given = std::getenv("NOVAPLANE_SEED");
    return given ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
  }

  unsigned seed_ = seed();
  std::mt19937 random_{seed_};
  std::vector<std::string> names_{"red", "amber", "lime", "grey"};
  std::vector<int> ports_{22, 53, 80, 443, 1000, 5432, 8000, 8080};
  std::vector<Guest> guests_;
  std::vector<std::string> lines_;
  Model model_;
  int unique_ = kAPort + 10'000, allowed_ = 0;
};
INSTANTIATE_TEST_SUITE_P(, SecurityModelTest, testing::Bool(), how);

TEST_P(SecurityModelTest, TheKernelDecidesAsTheModelDoes) {
  for (int round = 0; round < kRounds; ++round) {
    edit();
    std::vector<Packet> packets(kVerdicts / kRounds);
    for (Packet& packet : packets) packet = any_packet();
    expect_as_modelled(packets);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(allowed_, kVerdicts / 10);
  EXPECT_LT(allowed_, kVerdicts - kVerdicts / 10);
}

}  // namespace
}  // namespace novaplane::netns
