#include "dataplane/nft/ruleset_diff.h"

#include <fmt/format.h>
#include <linux/netfilter.h>

#include "dataplane/nft/fields.h"
#include "dataplane/nft/ruleset_messages.h"

namespace novaplane::nft {
namespace {

using Part = RulesetRepair::Part;
using enum Part::What;

/// Of a chain's own rules, in order.
std::vector<RuleDigest> digests_in(const Ruleset& ruleset, const Chain& chain) {
  std::vector<RuleDigest> digests;
  for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
    const Rule& rule = ruleset.rules[i];
    if (rule.family == chain.family && rule.chain == chain.name) {
      digests.push_back(ruleset.digests[i]);
    }
  }
  return digests;
}

SeenChain as_seen(const Ruleset& ruleset, const Chain& chain) {
  SeenChain seen;
  seen.rules = digests_in(ruleset, chain);
  if (!chain.is_base) return seen;
  seen.type = to_kernel(chain.type);
  seen.hook = to_kernel(chain.hook);
  seen.priority = chain.priority;
  seen.policy = NF_ACCEPT;
  return seen;
}

bool same_hook(const SeenChain& a, const SeenChain& b) {
  return a.type == b.type && a.hook == b.hook && a.priority == b.priority && a.policy == b.policy;
}

/// Why the table has to be written anew: it is missing, or what cannot be changed differs.
std::string table_differs(const SeenTable& wanted, const SeenTable& seen) {
  if (!seen.there) return "it is missing";
  if (seen.flags != 0) return "its flags differ";
  for (const auto& [name, set] : wanted.sets) {
    const auto found = seen.sets.find(name);
    if (found != seen.sets.end() && found->second != set) {
      return fmt::format("set {} differs", name);
    }
  }
  for (const auto& [name, chain] : wanted.chains) {
    const auto found = seen.chains.find(name);
    if (found != seen.chains.end() && !same_hook(found->second, chain)) {
      return fmt::format("chain {} differs", name);
    }
  }
  return {};
}

/// The first rule that is not as wanted.
std::string rules_differ(const Ruleset& ruleset, const Chain& chain,
                         const std::vector<RuleDigest>& seen) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
    const Rule& rule = ruleset.rules[i];
    if (rule.family != chain.family || rule.chain != chain.name) continue;
    const bool there = next < seen.size() && seen[next] == ruleset.digests[i];
    if (!there) return fmt::format("rule \"{}\" is not in its place", rule.comment);
    ++next;
  }
  return next != seen.size() ? "it has a rule too many" : "";
}

void compare(const Ruleset& ruleset, Family family, const SeenTable& wanted, const SeenTable& seen,
             std::vector<Part>& parts) {
  if (!wanted.there && !seen.there) return;
  if (std::string words = table_differs(wanted, seen); !words.empty()) {
    parts.push_back({family, table, {}, std::move(words)});
    return;
  }
  for (const Set& one : ruleset.sets) {
    if (one.name.family != family || seen.sets.contains(one.name.name)) continue;
    parts.push_back({family, set, std::string(one.name.name), "it is missing"});
  }
  for (const Chain& one : ruleset.chains) {
    if (one.family != family) continue;
    const auto found = seen.chains.find(one.name);
    const bool is_missing = found == seen.chains.end();
    std::string words =
        is_missing ? "it is missing" : rules_differ(ruleset, one, found->second.rules);
    if (words.empty()) continue;
    parts.push_back({family, is_missing ? chain : rules, std::string(one.name), std::move(words)});
  }
  // Sets first: elements of a map may lead to a chain.
  for (const auto& [name, one] : seen.sets) {
    if (!wanted.sets.contains(name)) parts.push_back({family, leftover_set, name, "not in use"});
  }
  for (const auto& [name, one] : seen.chains) {
    if (!wanted.chains.contains(name)) {
      parts.push_back({family, leftover_chain, name, "not in use"});
    }
  }
}

}  // namespace

SeenSet as_seen(const Set& wanted) {
  return {set_flags(wanted), nft_type(wanted.key), static_cast<std::uint32_t>(size_of(wanted.key)),
          nft_type(wanted.data),
          wanted.data.empty() ? 0 : static_cast<std::uint32_t>(size_of(wanted.data))};
}

SeenTables as_seen(const Ruleset& ruleset) {
  SeenTables seen;
  for (const Set& one : ruleset.sets) {
    seen.of(one.name.family).sets.emplace(one.name.name, as_seen(one));
  }
  for (const Chain& one : ruleset.chains) {
    seen.of(one.family).chains.emplace(one.name, as_seen(ruleset, one));
  }
  for (const Family family : {Family::inet, Family::bridge}) {
    SeenTable& table = seen.of(family);
    table.there = !table.sets.empty() || !table.chains.empty();
  }
  return seen;
}

RulesetRepair compare(const Ruleset& ruleset, const SeenTables& seen) {
  const SeenTables wanted = as_seen(ruleset);
  RulesetRepair repair;
  for (const Family family : {Family::inet, Family::bridge}) {
    compare(ruleset, family, wanted.of(family), seen.of(family), repair.parts);
  }
  return repair;
}

}  // namespace novaplane::nft
