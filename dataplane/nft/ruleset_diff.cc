#include "dataplane/nft/ruleset_diff.h"

#include <fmt/format.h>
#include <linux/netfilter.h>

#include <algorithm>

#include "dataplane/nft/fields.h"

namespace novaplane::nft {
namespace {

bool as_wanted(const Chain& wanted, const SeenChain& seen) {
  if (!wanted.is_base) return seen.type.empty();
  return seen.type == to_kernel(wanted.type) && seen.hook == to_kernel(wanted.hook) &&
         seen.priority == wanted.priority && seen.policy == NF_ACCEPT;
}

SeenSet as_seen(const Set& wanted) {
  return {set_flags(wanted), nft_type(wanted.key), static_cast<std::uint32_t>(size_of(wanted.key)),
          nft_type(wanted.data),
          wanted.data.empty() ? 0 : static_cast<std::uint32_t>(size_of(wanted.data))};
}

/// What of sets and chains differs; empty when nothing does.
std::string definition_differs(const Ruleset& ruleset, Family family, const SeenTable& seen) {
  if (!seen.there) return "it is missing";
  if (seen.flags != 0) return "its flags differ";
  std::size_t ours = 0;
  for (const Set& set : ruleset.sets) {
    if (set.name.family != family) continue;
    const auto found = seen.sets.find(set.name.name);
    if (found == seen.sets.end()) return fmt::format("set {} is missing", set.name.name);
    if (found->second != as_seen(set)) return fmt::format("set {} differs", set.name.name);
    ++ours;
  }
  if (seen.sets.size() != ours) return "it has a set too many";
  ours = 0;
  for (const Chain& chain : ruleset.chains) {
    if (chain.family != family) continue;
    const auto found = seen.chains.find(chain.name);
    if (found == seen.chains.end()) return fmt::format("chain {} is missing", chain.name);
    if (!as_wanted(chain, found->second)) return fmt::format("chain {} differs", chain.name);
    ++ours;
  }
  return seen.chains.size() != ours ? "it has a chain too many" : "";
}

/// Which rule is the first that is not as wanted; empty when all are.
std::string rules_differ(const Ruleset& ruleset, const RuleDigests& identities, const Chain& chain,
                         const std::vector<RuleDigest>& seen) {
  std::size_t next = 0;
  for (std::size_t i = 0; i < ruleset.rules.size(); ++i) {
    const Rule& rule = ruleset.rules[i];
    if (rule.family != chain.family || rule.chain != chain.name) continue;
    const bool there = next < seen.size() && seen[next] == identities[i];
    if (!there) return fmt::format("rule \"{}\" is not in its place", rule.comment);
    ++next;
  }
  return next != seen.size() ? "it has a rule too many" : "";
}

}  // namespace

RulesetRepair compare(const Ruleset& ruleset, const RuleDigests& identities, Family family,
                      const SeenTable& seen) {
  RulesetRepair repair;
  const bool wanted = std::any_of(ruleset.chains.begin(), ruleset.chains.end(),
                                  [&](const Chain& chain) { return chain.family == family; }) ||
                      std::any_of(ruleset.sets.begin(), ruleset.sets.end(),
                                  [&](const Set& set) { return set.name.family == family; });
  if (!wanted && !seen.there) return repair;
  if (auto words = definition_differs(ruleset, family, seen); !words.empty()) {
    repair.parts.push_back({family, {}, std::move(words)});
    return repair;
  }
  for (const Chain& chain : ruleset.chains) {
    if (chain.family != family) continue;
    auto words =
        rules_differ(ruleset, identities, chain, seen.chains.find(chain.name)->second.rules);
    if (!words.empty()) repair.parts.push_back({family, chain.name, std::move(words)});
  }
  return repair;
}

}  // namespace novaplane::nft
