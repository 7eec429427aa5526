#include "dataplane/nft/foreign_listing.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <set>
#include <unordered_map>

#include "dataplane/nft/foreign_rules.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft::foreign {
namespace {

constexpr std::string_view kInetHooks[] = {"prerouting", "input",       "forward",
                                           "output",     "postrouting", "ingress"},
                           kArpHooks[] = {"input", "output", "forward"},
                           kNetdevHooks[] = {"ingress", "egress"};

std::string_view family_name(std::uint8_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_IPV6:
      return "ip6";
    case NFPROTO_ARP:
      return "arp";
    case NFPROTO_BRIDGE:
      return "bridge";
    case NFPROTO_NETDEV:
      return "netdev";
    default:
      return {};
  }
}

std::uint8_t family_in(const nlmsghdr* message) {
  return static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family;
}

std::string hook_name(std::uint8_t family, std::uint32_t number) {
  const auto in = [&](std::span<const std::string_view> names) {
    return number < names.size() ? std::string(names[number]) : fmt::format("{}", number);
  };
  return family == NFPROTO_ARP      ? in(kArpHooks)
         : family == NFPROTO_NETDEV ? in(kNetdevHooks)
                                    : in(kInetHooks);
}

Hook hook_of(const nlmsghdr* message, const nlattr* hook) {
  Hook found;
  found.name = hook_name(family_in(message), u32_of(find_attribute(hook, NFTA_HOOK_HOOKNUM)));
  found.priority = static_cast<int>(u32_of(find_attribute(hook, NFTA_HOOK_PRIORITY)));
  found.drops = u32_of(find_attribute(message, NFTA_CHAIN_POLICY), NF_ACCEPT) == NF_DROP;
  if (const auto device = text_of(find_attribute(hook, NFTA_HOOK_DEV)); !device.empty()) {
    found.devices.emplace_back(device);
  }
  for (const nlattr* device : nested(find_attribute(hook, NFTA_HOOK_DEVS))) {
    found.devices.emplace_back(text_of(device));
  }
  return found;
}

/// What stands in a register.
struct Loaded {
  Test::Of of = Test::Of::something;
  bool by_number = false;             ///< iif, oif: the link's number
  std::optional<std::uint32_t> bits;  ///< of flow_state: those that are left
};

Loaded loaded_by_meta(std::uint32_t key) {
  switch (key) {
    case NFT_META_IIFNAME:
      return {Test::Of::iif, false, {}};
    case NFT_META_OIFNAME:
      return {Test::Of::oif, false, {}};
    case NFT_META_IIF:
      return {Test::Of::iif, true, {}};
    case NFT_META_OIF:
      return {Test::Of::oif, true, {}};
    case NFT_META_L4PROTO:
      return {Test::Of::protocol, false, {}};
    case NFT_META_NFPROTO:
      return {Test::Of::family, false, {}};
    default:
      return {};
  }
}

Loaded loaded_by_payload(const nlattr* data, std::uint8_t family) {
  const auto base = u32_of(find_attribute(data, NFTA_PAYLOAD_BASE));
  const auto offset = u32_of(find_attribute(data, NFTA_PAYLOAD_OFFSET));
  const auto length = u32_of(find_attribute(data, NFTA_PAYLOAD_LEN));
  const bool is_ports = base == NFT_PAYLOAD_TRANSPORT_HEADER && length == 2;
  if (is_ports && offset == 0) return {Test::Of::source_port, false, {}};
  if (is_ports && offset == 2) return {Test::Of::port, false, {}};
  const bool is_protocol = base == NFT_PAYLOAD_NETWORK_HEADER && length == 1;
  if (is_protocol && family == NFPROTO_IPV4 && offset == 9) return {Test::Of::protocol, false, {}};
  return {};
}

/// The value of a comparison, in network order but for links and bits of conntrack.
Test test_of(const Loaded& loaded, std::uint32_t operation, std::string_view value) {
  Test test;
  if (operation != NFT_CMP_EQ && operation != NFT_CMP_NEQ) return test;
  test.negated = operation == NFT_CMP_NEQ;
  std::uint32_t host_order = 0;
  std::memcpy(&host_order, value.data(), std::min(value.size(), sizeof host_order));
  if (loaded.of == Test::Of::iif || loaded.of == Test::Of::oif) {
    char name[IF_NAMESIZE] = {};
    if (loaded.by_number && ::if_indextoname(host_order, name) == nullptr) return test;
    const bool is_prefix = !loaded.by_number && value.find('\0') == value.npos;
    test.link = loaded.by_number ? name : std::string(value.substr(0, value.find('\0')));
    if (is_prefix) test.link += '*';
  } else if (loaded.of == Test::Of::flow_state) {
    // `ct state established,related` is: the bits that are left are not 0.
    if (!loaded.bits || host_order != 0) return {};
    test.negated = operation == NFT_CMP_EQ;
    test.number = *loaded.bits;
  } else {
    for (const char c : value) test.number = test.number << 8 | static_cast<std::uint8_t>(c);
  }
  test.of = loaded.of;
  return test;
}

std::string_view value_in(const nlattr* data) {
  return bytes_of(find_attribute(data, NFTA_DATA_VALUE));
}

/// Reads one rule's expressions, in their order.
class Reader {
 public:
  Reader(Rule& rule, std::uint8_t family) : rule_(rule), family_(family) {}

  void read(std::string_view name, const nlattr* data) {
    if (name == "meta" || name == "payload" || name == "ct") return load(name, data);
    if (name == "bitwise") return mask(data);
    if (name == "cmp") return compare(data);
    if (name == "immediate") return decide(data);
    if (name == "reject") return then(Rule::Then::drop);
    if (name == "target") return aim(text_of(find_attribute(data, NFTA_TARGET_NAME)));
    const bool is_neutral = name == "counter" || name == "log" || name == "notrack" ||
                            name == "tproxy" || name == "objref" || name == "last";
    if (!is_neutral) rule_.tests.push_back({});
  }

 private:
  void load(std::string_view name, const nlattr* data) {
    const bool is_meta = name == "meta", is_ct = name == "ct";
    const nlattr* to = find_attribute(data, is_meta ? static_cast<int>(NFTA_META_DREG)
                                            : is_ct ? static_cast<int>(NFTA_CT_DREG)
                                                    : static_cast<int>(NFTA_PAYLOAD_DREG));
    if (to == nullptr) return;  // it writes
    Loaded loaded;
    if (is_meta) loaded = loaded_by_meta(u32_of(find_attribute(data, NFTA_META_KEY)));
    if (name == "payload") loaded = loaded_by_payload(data, family_);
    if (is_ct && u32_of(find_attribute(data, NFTA_CT_KEY)) == NFT_CT_STATE) {
      loaded.of = Test::Of::flow_state;
    }
    registers_[u32_of(to)] = loaded;
  }

  void mask(const nlattr* data) {
    Loaded loaded = registers_[u32_of(find_attribute(data, NFTA_BITWISE_SREG))];
    const auto value = value_in(find_attribute(data, NFTA_BITWISE_MASK));
    std::uint32_t bits = 0;
    std::memcpy(&bits, value.data(), std::min(value.size(), sizeof bits));
    if (loaded.of != Test::Of::flow_state) loaded = {};
    loaded.bits = bits;
    registers_[u32_of(find_attribute(data, NFTA_BITWISE_DREG))] = loaded;
  }

  void compare(const nlattr* data) {
    rule_.tests.push_back(test_of(registers_[u32_of(find_attribute(data, NFTA_CMP_SREG))],
                                  u32_of(find_attribute(data, NFTA_CMP_OP)),
                                  value_in(find_attribute(data, NFTA_CMP_DATA))));
  }

  void decide(const nlattr* data) {
    const nlattr* verdict =
        find_attribute(find_attribute(data, NFTA_IMMEDIATE_DATA), NFTA_DATA_VERDICT);
    if (verdict == nullptr) return;
    rule_.target = text_of(find_attribute(verdict, NFTA_VERDICT_CHAIN));
    switch (static_cast<int>(u32_of(find_attribute(verdict, NFTA_VERDICT_CODE)))) {
      case NF_ACCEPT:
        return then(Rule::Then::accept);
      case NF_DROP:
        return then(Rule::Then::drop);
      case NFT_JUMP:
        return then(Rule::Then::jump);
      case NFT_GOTO:
        return then(Rule::Then::go_to);
      case NFT_RETURN:
        return then(Rule::Then::return_);
      default:
        return;
    }
  }

  /// Of iptables-nft.
  void aim(std::string_view target) {
    if (target == "REJECT" || target == "DROP") then(Rule::Then::drop);
  }

  void then(Rule::Then what) { rule_.then = what; }

  Rule& rule_;
  std::uint8_t family_;
  std::map<std::uint32_t, Loaded> registers_;
};

/// Chains are listed first. What changes meanwhile is listed once more, and counts once.
class Listing {
 public:
  void add_chain(const nlmsghdr* message) {
    const std::string family(family_name(family_in(message)));
    if (ours(message) || family.empty()) return;
    const std::string table(text_of(find_attribute(message, NFTA_CHAIN_TABLE)));
    const std::string name(text_of(find_attribute(message, NFTA_CHAIN_NAME)));
    Chain chain{family, table, name, {}, {}};
    if (const nlattr* hook = find_attribute(message, NFTA_CHAIN_HOOK)) {
      chain.hook = hook_of(message, hook);
    }
    if (places_.emplace(key_of(family, table, name), chains_.size()).second) {
      chains_.push_back(std::move(chain));
    }
  }

  void add_rule(const nlmsghdr* message) {
    if (ours(message)) return;
    const auto place = places_.find(key_of(family_name(family_in(message)),
                                           text_of(find_attribute(message, NFTA_RULE_TABLE)),
                                           text_of(find_attribute(message, NFTA_RULE_CHAIN))));
    const auto handle = find_attribute(message, NFTA_RULE_HANDLE);
    const bool is_new = place != places_.end() &&
                        rules_.emplace(place->second, handle ? mnl_attr_get_u64(handle) : 0).second;
    if (!is_new) return;
    Rule rule;
    Reader reader(rule, family_in(message));
    for (const nlattr* expression : nested(find_attribute(message, NFTA_RULE_EXPRESSIONS))) {
      reader.read(text_of(find_attribute(expression, NFTA_EXPR_NAME)),
                  find_attribute(expression, NFTA_EXPR_DATA));
    }
    const bool is_open = std::ranges::none_of(
        rule.tests, [](const Test& test) { return test.of == Test::Of::something; });
    if (is_open && rule.then != Rule::Then::next) {
      chains_[place->second].rules.push_back(std::move(rule));
    }
  }

  std::vector<Chain> take() { return std::move(chains_); }

 private:
  static std::string key_of(std::string_view family, std::string_view table,
                            std::string_view chain) {
    return fmt::format("{} {} {}", family, table, chain);
  }

  std::vector<Chain> chains_;
  std::unordered_map<std::string, std::size_t> places_;
  std::set<std::pair<std::size_t, std::uint64_t>> rules_;  ///< by chain and handle
};

}  // namespace

Result<std::vector<Chain>> list() {
  Listing listing;
  const auto chains = for_each_listed(NFT_MSG_GETCHAIN,
                                      [&](const nlmsghdr* message) { listing.add_chain(message); });
  if (!chains) return tl::unexpected(chains.error());
  const auto rules =
      for_each_listed(NFT_MSG_GETRULE, [&](const nlmsghdr* message) { listing.add_rule(message); });
  if (!rules) return tl::unexpected(rules.error());
  return listing.take();
}

}  // namespace novaplane::nft::foreign
