#include <fmt/format.h>
#include <linux/if_ether.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "dataplane/nft/fields.h"
#include "dataplane/nft/rule.h"
#include "dataplane/nft/selectors.h"
#include "dataplane/nft/set_userdata.h"

namespace novaplane::nft {
namespace {

/// Names of bits, in the order in which nft lists them.
struct BitName {
  std::uint32_t bit;
  std::string_view name;
};
constexpr BitName kStateNames[] = {{kStateInvalid, "invalid"},
                                   {kStateEstablished, "established"},
                                   {kStateRelated, "related"},
                                   {kStateNew, "new"}};
constexpr BitName kStatusNames[] = {{kStatusSnat, "snat"}, {kStatusDnat, "dnat"}};
constexpr BitName kTcpNames[] = {
    {kTcpFin, "fin"}, {kTcpSyn, "syn"}, {kTcpRst, "rst"}, {kTcpAck, "ack"}};

std::string names_of(std::span<const BitName> names, std::uint32_t bits,
                     std::string_view separator) {
  std::string text;
  for (const auto& [bit, name] : names) {
    if (!(bits & bit)) continue;
    if (!text.empty()) text += separator;
    text += name;
  }
  return text;
}

std::span<const BitName> names_of_bits(Select of) {
  if (of == Select::ct_state) return kStateNames;
  if (of == Select::tcp_flags) return kTcpNames;
  return kStatusNames;
}

std::string_view equality(bool negated) { return negated ? "!= " : ""; }

std::string icmpv6_text(std::uint8_t type) {
  switch (type) {
    case kIcmpv6EchoRequest:
      return "echo-request";
    case kRouterSolicitation:
      return "nd-router-solicit";
    case kRouterAdvertisement:
      return "nd-router-advert";
    case kNeighbourSolicitation:
      return "nd-neighbor-solicit";
    case kNeighbourAdvertisement:
      return "nd-neighbor-advert";
    default:
      return std::to_string(type);
  }
}

std::string number_text(Select of, std::uint8_t number) {
  if (of == Select::l4proto)
    return to_text(Field::inet_proto, {reinterpret_cast<char*>(&number), 1});
  if (of == Select::nfproto && number == 2) return "ipv4";
  if (of == Select::nfproto && number == 10) return "ipv6";
  if (of == Select::icmp_type && number == kIcmpRedirect) return "redirect";
  if (of == Select::icmp_type && number == kIcmpEchoRequest) return "echo-request";
  if (of == Select::icmpv6_type) return icmpv6_text(number);
  return std::to_string(number);
}

std::string type_text(std::string_view bytes) {
  const auto type = static_cast<std::uint8_t>(bytes[0]) << 8 | static_cast<std::uint8_t>(bytes[1]);
  switch (type) {
    case ETH_P_IP:
      return "ip";
    case ETH_P_IPV6:
      return "ip6";
    case ETH_P_ARP:
      return "arp";
    case ETH_P_8021Q:
      return "8021q";
    case ETH_P_8021AD:
      return "8021ad";
    default:
      return fmt::format("{:#06x}", type);
  }
}

bool is_address6(Select of) { return of == Select::ip6_saddr || of == Select::ip6_daddr; }

std::string value_text(Select of, std::string_view bytes) {
  switch (selector(of).size) {
    case 1:
      return number_text(of, static_cast<std::uint8_t>(bytes[0]));
    case 2:
      if (of == Select::ether_type || of == Select::frame_type) return type_text(bytes);
      return to_text(Field::inet_service, bytes);
    case 6:
      return to_text(Field::ether_addr, bytes);
    case 16:
      return to_text(is_address6(of) ? Field::ipv6_addr : Field::ifname, bytes);
    default:
      break;
  }
  if (of == Select::fib_saddr_iif || of == Select::fib_daddr_iif) {
    return bytes[0] != 0 ? "exists" : "missing";
  }
  const bool is_group = of == Select::iifgroup || of == Select::oifgroup;
  if (of != Select::mark && !is_group) return to_text(Field::ipv4_addr, bytes);
  std::uint32_t number;
  std::memcpy(&number, bytes.data(), sizeof(number));
  if (is_group) return std::to_string(number);
  return fmt::format("{:#010x}", number);
}

std::string_view needs_text(Needs needs) {
  switch (needs) {
    case Needs::ipv4:
      return "meta nfproto ipv4";
    case Needs::ipv6:
      return "meta nfproto ipv6";
    case Needs::arp:
      return "meta protocol arp";
    case Needs::tcp:
      return "meta l4proto tcp";
    case Needs::udp:
      return "meta l4proto udp";
    case Needs::icmp:
      return "meta l4proto icmp";
    case Needs::icmpv6:
      return "meta l4proto ipv6-icmp";
    case Needs::igmp:
      return "meta l4proto igmp";
    case Needs::ethernet:
      return "meta iiftype ether";
    case Needs::nothing:
      break;
  }
  return {};
}

struct Printer {
  std::string operator()(const InSet& match) const {
    return fmt::format("{} {}@{}", to_text(match.key), equality(match.negated), match.set);
  }
  std::string operator()(const Compare& match) const {
    const std::string low = value_text(match.of, match.low);
    const std::string value =
        match.low == match.high ? low : fmt::format("{}-{}", low, value_text(match.of, match.high));
    return fmt::format("{} {}{}", selector(match.of).text, equality(match.negated), value);
  }
  std::string operator()(const InPrefix& match) const {
    return fmt::format("{} {}{}", selector(match.of).text, equality(match.negated), match.prefix);
  }
  /// nft takes a mask of leading ones of what the kernel counts for a prefix.
  std::string operator()(const MaskedCompare& match) const {
    if (selector(match.of).size == 6) {
      return fmt::format("{} & {} == {}", selector(match.of).text,
                         to_text(Field::ether_addr, match.mask),
                         to_text(Field::ether_addr, match.value));
    }
    if (match.of == Select::tcp_flags) {
      const auto names = [](const std::string& bits) {
        return names_of(kTcpNames, static_cast<std::uint8_t>(bits[0]), " | ");
      };
      return fmt::format("tcp flags & ({}) {} {}", names(match.mask),
                         match.negated ? "!=" : "==", names(match.value));
    }
    std::uint32_t mask, value;
    std::memcpy(&mask, match.mask.data(), sizeof(mask));
    std::memcpy(&value, match.value.data(), sizeof(value));
    return fmt::format("{} {}/{}", selector(match.of).text, value, std::popcount(mask));
  }
  std::string operator()(const Present& present) const {
    std::string text;
    for (const Select of : present.key) {
      const std::string_view words = needs_text(selector(of).needs);
      if (words.empty() || text.find(words) != std::string::npos) continue;
      if (!text.empty()) text += ' ';
      text += words;
    }
    return text;
  }
  std::string operator()(const HasBits& match) const {
    const auto text = selector(match.of).text;
    if (match.of == Select::mark || match.of == Select::ct_mark) {
      return fmt::format("{} & {:#010x} {} 0x00000000", text, match.bits, match.none ? "==" : "!=");
    }
    if (selector(match.of).load == Selector::Load::exthdr || match.of == Select::ip_frag_off) {
      return fmt::format("{} & {:#x} {} 0", text, match.bits, match.none ? "==" : "!=");
    }
    const auto names = names_of_bits(match.of);
    if (match.none) return fmt::format("{} & ({}) == 0", text, names_of(names, match.bits, " | "));
    return fmt::format("{} {}", text, names_of(names, match.bits, ","));
  }
  std::string operator()(const SetMarkBits& set) const {
    return fmt::format("{0} set {0} {1} {2:#010x}", set.of_flow ? "ct mark" : "meta mark",
                       set.clear ? '&' : '|', set.clear ? ~set.bits : set.bits);
  }
  std::string operator()(const SetPriority& set) const {
    return fmt::format("meta priority set {:x}:{:x}", set.number >> 16, set.number & 0xffff);
  }
  std::string operator()(const WriteFromMap& write) const {
    return fmt::format("{} set {} map @{}", selector(write.target).text, to_text(write.key),
                       write.map);
  }
  std::string operator()(const SetPkttypeHost&) const { return "meta pkttype set host"; }
  std::string operator()(const NatFromMap& nat) const {
    return fmt::format("{} {} to {} map @{}", nat.source ? "snat" : "dnat", nat.ipv6 ? "ip6" : "ip",
                       to_text(nat.key), nat.map);
  }
  std::string operator()(const NatTo& nat) const {
    const std::string port = nat.port != 0 ? fmt::format(":{}", nat.port) : "";
    return fmt::format("{} ip to {}{}", nat.source ? "snat" : "dnat", nat.address, port);
  }
  std::string operator()(const Masquerade&) const { return "masquerade"; }
  std::string operator()(const NoTrack&) const { return "notrack"; }
  std::string operator()(const Remember& remember) const {
    constexpr std::string_view kVerbs[] = {"add", "update", "delete"};
    const std::string timeout =
        remember.timeout_seconds != 0 ? fmt::format(" timeout {}s", remember.timeout_seconds) : "";
    return fmt::format("{} @{} {{ {}{} }}", kVerbs[static_cast<std::size_t>(remember.how)],
                       remember.set, to_text(remember.key), timeout);
  }
  std::string operator()(const JumpByMap& jump) const {
    return fmt::format("{} vmap @{}", to_text(jump.key), jump.map);
  }
  std::string operator()(const ToChain& to) const {
    return fmt::format("{} {}", to.comes_back ? "jump" : "goto", to.chain);
  }
  std::string operator()(Verdict verdict) const {
    constexpr std::string_view kNames[] = {"accept", "drop", "return"};
    return std::string(kNames[static_cast<std::size_t>(verdict)]);
  }
};

/// Types, or the selectors that values come from.
std::string names_of(const std::vector<Field>& fields, bool as_selectors) {
  std::string text;
  for (const Field field : fields) {
    if (!text.empty()) text += " . ";
    text += !as_selectors               ? to_string(field)
            : field == Field::ifname    ? "iifname"
            : field == Field::ipv4_addr ? "ip saddr"
            : field == Field::ipv6_addr ? "ip6 saddr"
            : field == Field::classid   ? "meta priority"
                                        : to_string(field);
  }
  return text;
}

std::string to_text(const Allowance& allowance) {
  if (allowance == Allowance{}) return {};
  if (allowance.connections != 0) return fmt::format(" ct count over {};", allowance.connections);
  return fmt::format(" limit rate over {}/second burst {} packets;", allowance.packets_per_second,
                     allowance.burst);
}

std::string properties_of(const Set& set) {
  if (set.interval) return " flags interval;";
  if (set.limits_packets) return " flags dynamic; limit rate over 1/second burst 1 packets;";
  if (set.limits) return " flags dynamic; limit rate over 1 bytes/second burst 1 bytes;";
  if (!set.is_packets_own()) return {};
  const std::string timeout =
      set.timeout_seconds != 0 ? fmt::format(",timeout; timeout {}s", set.timeout_seconds) : "";
  const std::string size = set.size != 0 ? fmt::format(" size {};", set.size) : "";
  return fmt::format("{} flags dynamic{};{}{}", size, timeout, to_text(set.allowance),
                     set.counts ? " counter;" : "");
}

/// "type ifname : ipv4_addr; flags interval;"
std::string type_text(const Set& set) {
  return fmt::format("{} {}{}{};{}", has_typeof(set) ? "typeof" : "type",
                     names_of(set.key, has_typeof(set)), set.data.empty() ? "" : " : ",
                     names_of(set.data, has_typeof(set)), properties_of(set));
}

std::string_view noun_of(const Set& set) { return set.data.empty() ? "set" : "map"; }

std::string to_text(const Set& set) {
  return fmt::format("\t{} {} {{ {} }}\n", noun_of(set), set.name.name, type_text(set));
}

/// "type filter hook forward priority 0; policy accept;"
std::string hook_text(const Chain& chain) {
  constexpr std::string_view kTypes[] = {"filter", "nat", "route"};
  constexpr std::string_view kHooks[] = {"prerouting", "input", "forward", "output", "postrouting"};
  return fmt::format("type {} hook {} priority {}; policy accept;",
                     kTypes[static_cast<int>(chain.type)], kHooks[static_cast<int>(chain.hook)],
                     chain.priority);
}

std::string to_text(const Ruleset& ruleset, const Chain& chain) {
  std::string text = fmt::format("\tchain {} {{\n", chain.name);
  if (chain.is_base) text += fmt::format("\t\t{}\n", hook_text(chain));
  for (const Rule& rule : ruleset.rules) {
    if (rule.family == chain.family && rule.chain == chain.name)
      text += fmt::format("\t\t{}\n", to_text(rule));
  }
  return text + "\t}\n";
}

}  // namespace

std::string to_text(const Rule& rule) {
  std::string text;
  for (const Expression& expression : rule.expressions) {
    const std::string words = std::visit(Printer{}, expression);
    if (!text.empty() && !words.empty()) text += ' ';
    text += words;
  }
  if (!rule.comment.empty()) text += fmt::format(" comment \"{}\"", rule.comment);
  return text;
}

std::string declaration_of_set(const Ruleset& ruleset, Family family, std::string_view name) {
  const auto set = std::ranges::find(ruleset.sets, SetName{family, name}, &Set::name);
  return fmt::format("add {} {} {} {} {{ {} }}\n", noun_of(*set), to_string(family), kTable, name,
                     type_text(*set));
}

std::string declaration_of_chain(const Ruleset& ruleset, Family family, std::string_view name) {
  const auto chain = std::ranges::find_if(
      ruleset.chains, [&](const Chain& one) { return one.family == family && one.name == name; });
  const std::string hook = chain->is_base ? fmt::format(" {{ {} }}", hook_text(*chain)) : "";
  return fmt::format("add chain {} {} {}{}\n", to_string(family), kTable, name, hook);
}

std::string to_text(const Ruleset& ruleset, Family family) {
  std::string text = fmt::format("table {} {} {{\n", to_string(family), kTable);
  for (const Set& set : ruleset.sets) {
    if (set.name.family == family) text += to_text(set);
  }
  for (const Chain& chain : ruleset.chains) {
    if (chain.family == family) text += to_text(ruleset, chain);
  }
  return text + "}\n";
}

}  // namespace novaplane::nft
