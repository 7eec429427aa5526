#include "dataplane/nft/ruleset_messages.h"

#include <libnftnl/expr.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>

#include "dataplane/nft/encode_rule.h"
#include "dataplane/nft/fields.h"
#include "dataplane/nft/nftnl_ptr.h"
#include "dataplane/nft/set_userdata.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

using Kind = Batch::Subject::Kind;

void write_table(Batch& batch, Family family) {
  nlmsghdr* message = batch.message(NFT_MSG_NEWTABLE, NLM_F_CREATE, {Kind::table, 0, family});
  put_name(message, NFTA_TABLE_NAME, kTable);
}

/// nft reads back what it lists only where the set itself has a limiter too.
nftnl_expr* limit_of_none(const Set& set) {
  nftnl_expr* limit = nftnl_expr_alloc("limit");
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, 1);
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, 1);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE,
                     set.limits_packets ? NFT_LIMIT_PKTS : NFT_LIMIT_PKT_BYTES);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
  return limit;
}

nftnl_expr* limit_of(const Allowance& allowance) {
  if (allowance.connections != 0) {
    nftnl_expr* count = nftnl_expr_alloc("connlimit");
    nftnl_expr_set_u32(count, NFTNL_EXPR_CONNLIMIT_COUNT, allowance.connections);
    nftnl_expr_set_u32(count, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
    return count;
  }
  nftnl_expr* limit = nftnl_expr_alloc("limit");
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_RATE, allowance.packets_per_second);
  nftnl_expr_set_u64(limit, NFTNL_EXPR_LIMIT_UNIT, 1);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_BURST, allowance.burst);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS);
  nftnl_expr_set_u32(limit, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
  return limit;
}

/// The kernel looks for ranges in each field of a key by itself (net/netfilter/nft_set_pipapo.c).
void describe_fields(nftnl_set* object, const Set& set) {
  std::vector<std::uint8_t> sizes;
  for (const Field field : set.key) sizes.push_back(static_cast<std::uint8_t>(size_of(field)));
  nftnl_set_set_data(object, NFTNL_SET_DESC_CONCAT, sizes.data(),
                     static_cast<std::uint32_t>(sizes.size()));
}

/// How often the kernel looks a large set through for what has timed out, in milliseconds.
constexpr std::uint32_t kCollect = 20'000;

void write_set(Batch& batch, const Set& set, std::size_t index) {
  const SetPtr object(nftnl_set_alloc());
  nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, kTable.data());
  nftnl_set_set_str(object.get(), NFTNL_SET_NAME, std::string(set.name.name).c_str());
  nftnl_set_set_u32(object.get(), NFTNL_SET_ID, static_cast<std::uint32_t>(index) + 1);
  nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, set_flags(set));
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, nft_type(set.key));
  nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, static_cast<std::uint32_t>(size_of(set.key)));
  if (!set.data.empty()) {
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, nft_type(set.data));
    nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN,
                      static_cast<std::uint32_t>(size_of(set.data)));
  }
  if (set.limits) nftnl_set_add_expr(object.get(), limit_of_none(set));
  if (set.counts) nftnl_set_add_expr(object.get(), nftnl_expr_alloc("counter"));
  if (set.size != 0) nftnl_set_set_u32(object.get(), NFTNL_SET_DESC_SIZE, set.size);
  if (set.interval && set.key.size() > 1) describe_fields(object.get(), set);
  if (set.allowance != Allowance{}) nftnl_set_add_expr(object.get(), limit_of(set.allowance));
  if (set.timeout_seconds != 0) {
    constexpr std::uint64_t kMilliseconds = 1000;
    nftnl_set_set_u64(object.get(), NFTNL_SET_TIMEOUT, set.timeout_seconds * kMilliseconds);
    if (set.size != 0) nftnl_set_set_u32(object.get(), NFTNL_SET_GC_INTERVAL, kCollect);
  }
  const std::string userdata = userdata_of(set);
  nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, userdata.data(),
                     static_cast<std::uint32_t>(userdata.size()));
  nlmsghdr* message =
      batch.message(NFT_MSG_NEWSET, NLM_F_CREATE, {Kind::set, index, set.name.family});
  nftnl_set_nlmsg_build_payload(message, object.get());
}

void write_chain(Batch& batch, const Chain& chain, std::size_t index) {
  const ChainPtr object(nftnl_chain_alloc());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, kTable.data());
  nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, std::string(chain.name).c_str());
  if (chain.is_base) {
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, to_kernel(chain.type));
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, to_kernel(chain.hook));
    nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.priority);
    nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY, NF_ACCEPT);
  }
  nlmsghdr* message =
      batch.message(NFT_MSG_NEWCHAIN, NLM_F_CREATE, {Kind::chain, index, chain.family});
  nftnl_chain_nlmsg_build_payload(message, object.get());
}

void put_rule(nlmsghdr* message, const Rule& rule) {
  const RulePtr object(nftnl_rule_alloc());
  nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, kTable.data());
  nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, std::string(rule.chain).c_str());
  lower(rule, object.get());
  nftnl_rule_nlmsg_build_payload(message, object.get());
}

void write_rule(Batch& batch, const Rule& rule, std::size_t index, RuleDigest rule_digest) {
  nlmsghdr* message =
      batch.message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, {Kind::rule, index, rule.family});
  put_rule(message, rule);
  std::string userdata;
  if (!rule.comment.empty()) {
    append_userdata(userdata, kUserdataComment, rule.comment + '\0');
  }
  append_userdata(userdata, kUserdataDigest,
                  {reinterpret_cast<const char*>(&rule_digest), sizeof(rule_digest)});
  mnl_attr_put(message, NFTA_RULE_USERDATA, userdata.size(), userdata.data());
}

void write_rules(Batch& batch, const Ruleset& ruleset, Family family, std::string_view chain) {
  for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
    const Rule& rule = ruleset.rules[i];
    if (rule.family == family && rule.chain == chain) {
      write_rule(batch, rule, i, ruleset.digests[i]);
    }
  }
}

void rewrite_table(Batch& batch, const Ruleset& ruleset, Family family) {
  write_removal(batch, family);
  write_table(batch, family);
  for (std::size_t i = 0; i < ruleset.sets.size(); ++i) {
    if (ruleset.sets[i].name.family == family) write_set(batch, ruleset.sets[i], i);
  }
  for (std::size_t i = 0; i < ruleset.chains.size(); ++i) {
    if (ruleset.chains[i].family == family) write_chain(batch, ruleset.chains[i], i);
  }
  for (const Chain& chain : ruleset.chains) {
    if (chain.family == family) write_rules(batch, ruleset, family, chain.name);
  }
}

using Part = RulesetRepair::Part;

/// What a part is about, in the ruleset's own list.
template <class T, class Is>
std::size_t index_of(const std::vector<T>& all, Is is) {
  return static_cast<std::size_t>(std::find_if(all.begin(), all.end(), is) - all.begin());
}

void flush_chain(Batch& batch, const Part& part, std::size_t index) {
  nlmsghdr* flush = batch.message(NFT_MSG_DELRULE, 0, {Kind::repair, index, part.family});
  put_name(flush, NFTA_RULE_TABLE, kTable);
  put_name(flush, NFTA_RULE_CHAIN, part.name);
}

/// nft's own numbers (its include/datatype.h): they are kept by the kernel for nft alone.
std::uint32_t nft_type(Field field) {
  switch (field) {
    case Field::ipv4_addr:
      return 7;
    case Field::ipv6_addr:
      return 8;
    case Field::ether_addr:
      return 9;
    case Field::inet_proto:
      return 12;
    case Field::inet_service:
      return 13;
    case Field::verdict:
      return NFT_DATA_VERDICT;
    case Field::ifname:
      return 41;
    case Field::nf_proto:
      return 2;
    case Field::icmp_type:
      return 14;
    case Field::classid:
      return 23;
    case Field::icmpv6_type:
      return 29;
    case Field::icmp_id:
    case Field::icmpv6_id:
    case Field::ip_id:
    case Field::frag_id:
    case Field::ipv6_prefix:
    case Field::nd_target:
    case Field::nd_mac:
    case Field::ra_lifetime:
      return 4;  // an integer, of whatever size
  }
  return 0;
}

}  // namespace

/// Of what the kernel executes and of the comment. The memory is zeroed, since libmnl leaves the
/// padding of attributes as it was.
RuleDigest digest_of(const Rule& rule) {
  std::vector<std::byte> scratch(Batch::kLongestMessage);
  nlmsghdr* message = start_message(scratch.data(), message_type(NFT_MSG_NEWRULE), 0, 0, 0);
  put_rule(message, rule);
  return digest(bytes_of(find_attribute(message, NFTA_RULE_EXPRESSIONS))) ^ digest(rule.comment);
}

std::vector<RuleDigest> digests_of(const std::vector<Rule>& rules) {
  std::vector<RuleDigest> digests;
  for (const Rule& rule : rules) digests.push_back(digest_of(rule));
  return digests;
}

std::uint32_t nft_type(const std::vector<Field>& fields) {
  std::uint32_t type = 0;
  for (const Field field : fields) type = type << 6 | nft_type(field);
  return type;
}

std::uint32_t set_flags(const Set& set) {
  std::uint32_t flags = 0;
  if (!set.data.empty()) flags |= NFT_SET_MAP;
  if (set.interval) flags |= NFT_SET_INTERVAL;
  if (set.interval && set.key.size() > 1) flags |= NFT_SET_CONCAT;
  if (set.limits) flags |= NFT_SET_EVAL;
  if (set.is_packets_own()) flags |= NFT_SET_EVAL;
  if (set.timeout_seconds != 0) flags |= NFT_SET_TIMEOUT;
  return flags;
}

const char* to_kernel(ChainType type) {
  constexpr const char* kNames[] = {"filter", "nat", "route"};
  return kNames[static_cast<std::size_t>(type)];
}

std::uint32_t to_kernel(Hook hook) {
  // NF_BR_* (linux/netfilter_bridge.h) has the same numbers as NF_INET_*.
  constexpr std::uint32_t kHooks[] = {NF_INET_PRE_ROUTING, NF_INET_LOCAL_IN, NF_INET_FORWARD,
                                      NF_INET_LOCAL_OUT, NF_INET_POST_ROUTING};
  return kHooks[static_cast<std::size_t>(hook)];
}

/// Sets and chains first, since rules name them; and no rule leads to a chain that is to go by the
/// time that it goes.
void write_repair(Batch& batch, const Ruleset& ruleset, const RulesetRepair& repair) {
  using enum Part::What;
  for (const Part& part : repair.parts) {
    if (part.what == table) rewrite_table(batch, ruleset, part.family);
    if (part.what == set) {
      const auto index = index_of(ruleset.sets, [&](const Set& one) {
        return one.name == SetName{part.family, part.name};
      });
      write_set(batch, ruleset.sets[index], index);
    }
    if (part.what == chain) {
      const auto index = index_of(ruleset.chains, [&](const Chain& one) {
        return one.family == part.family && one.name == part.name;
      });
      write_chain(batch, ruleset.chains[index], index);
    }
  }
  for (std::size_t i = 0; i < repair.parts.size(); ++i) {
    const Part& part = repair.parts[i];
    if (part.what == rules || part.what == leftover_chain) flush_chain(batch, part, i);
  }
  for (const Part& part : repair.parts) {
    if (part.what == rules || part.what == chain) {
      write_rules(batch, ruleset, part.family, part.name);
    }
  }
}

void write_leftovers(Batch& batch, const RulesetRepair& repair) {
  for (std::size_t i = 0; i < repair.parts.size(); ++i) {
    const Part& part = repair.parts[i];
    if (part.what == Part::What::leftover_set) {
      nlmsghdr* message = batch.message(NFT_MSG_DELSET, 0, {Kind::repair, i, part.family});
      put_name(message, NFTA_SET_TABLE, kTable);
      put_name(message, NFTA_SET_NAME, part.name);
    } else if (part.what == Part::What::leftover_chain) {
      nlmsghdr* message = batch.message(NFT_MSG_DELCHAIN, 0, {Kind::repair, i, part.family});
      put_name(message, NFTA_CHAIN_TABLE, kTable);
      put_name(message, NFTA_CHAIN_NAME, part.name);
    }
  }
}

/// A deletion of what is absent would fail, so it is added first.
void write_removal(Batch& batch, Family family) {
  write_table(batch, family);
  nlmsghdr* message = batch.message(NFT_MSG_DELTABLE, 0, {Kind::table, 0, family});
  put_name(message, NFTA_TABLE_NAME, kTable);
}

}  // namespace novaplane::nft
