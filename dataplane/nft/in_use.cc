#include "dataplane/nft/in_use.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "dataplane/nft/ruleset_messages.h"
#include "dataplane/nft/selectors.h"

namespace novaplane::nft {
namespace {

using Name = std::pair<Family, std::string_view>;
using Names = std::set<Name>;

bool needs_something(const Key& key) {
  return std::ranges::any_of(key, [](Select of) { return selector(of).needs != Needs::nothing; });
}

bool is_verdict(const Expression& expression) {
  return std::holds_alternative<Verdict>(expression);
}

/// Whether a packet is another one behind it, or somebody remembers it.
bool has_effect(const Expression& expression) {
  return std::visit(
      []<class E>(const E&) {
        return std::is_same_v<E, SetMarkBits> || std::is_same_v<E, SetPriority> ||
               std::is_same_v<E, WriteFromMap> || std::is_same_v<E, SetPkttypeHost> ||
               std::is_same_v<E, NatFromMap> || std::is_same_v<E, NatTo> ||
               std::is_same_v<E, Masquerade> || std::is_same_v<E, NoTrack> ||
               std::is_same_v<E, Remember> || std::is_same_v<E, JumpByMap> ||
               std::is_same_v<E, ToChain>;
      },
      expression);
}

/// Each packet that comes here ends here.
bool always_decides(const Rule& rule) {
  if (rule.expressions.size() != 1) return false;
  const auto* to = std::get_if<ToChain>(&rule.expressions.front());
  return is_verdict(rule.expressions.front()) || (to && !to->comes_back);
}

/// As it is in the whole ruleset it keeps its digest, which takes time to make.
struct Kept : Rule {
  RuleDigest digest = 0;  ///< 0: to be made
};

class Reduction {
 public:
  Reduction(const Ruleset& whole, const std::function<bool(const SetName&)>& has_elements) {
    for (std::size_t i = 0; i < whole.rules.size(); ++i) {
      rules_.push_back({whole.rules[i], whole.digests.empty() ? 0 : whole.digests[i]});
    }
    for (const Set& set : whole.sets) {
      const bool is_filled = has_elements(set.name) || set.is_packets_own() ||
                             (!set.beside.empty() && has_elements({set.name.family, set.beside}));
      if (is_filled) filled_.insert(name_of(set));
    }
  }

  Ruleset reduce(const Ruleset& whole) {
    std::size_t before;
    do {
      before = size();
      remove_what_never_holds();
      remove_unreachable();
      remove_needless_ends(whole);
      remove_jumps_to_nothing(whole);
      remove_chains_that_nothing_leads_to(whole);
      empty_sets_that_nobody_writes(whole);
    } while (size() != before || has_emptied_);
    return assemble(whole);
  }

 private:
  static Name name_of(const Set& set) { return {set.name.family, set.name.name}; }

  bool is_filled(Family family, std::string_view set) const {
    return filled_.contains({family, set});
  }

  /// None: the rule never holds.
  std::optional<Expression> reduced(const Rule& rule, const Expression& expression,
                                    bool& never) const {
    return std::visit(
        [&]<class E>(const E& e) -> std::optional<Expression> {
          if constexpr (std::is_same_v<E, InSet>) {
            if (is_filled(rule.family, e.set)) return e;
            never |= !e.negated;
            if (!needs_something(e.key)) return std::nullopt;
            return Present{e.key};
          } else if constexpr (requires { e.map; }) {
            never |= !is_filled(rule.family, e.map);
            return e;
          } else {
            return e;
          }
        },
        expression);
  }

  void remove_what_never_holds() {
    std::erase_if(rules_, [&](Kept& rule) {
      bool never = !rule.beside.empty() && !is_filled(rule.family, rule.beside);
      bool is_changed = false;
      std::vector<Expression> left;
      for (const Expression& expression : rule.expressions) {
        auto one = reduced(rule, expression, never);
        is_changed |= !one || one->index() != expression.index();
        if (one) left.push_back(std::move(*one));
      }
      if (is_changed) rule.digest = 0;
      rule.expressions = std::move(left);
      return never;
    });
  }

  void empty_sets_that_nobody_writes(const Ruleset& whole) {
    Names written;
    for (const Rule& rule : rules_) {
      for (const Expression& expression : rule.expressions) {
        const auto* remember = std::get_if<Remember>(&expression);
        if (remember) written.insert({rule.family, remember->set});
      }
    }
    for (const Set& set : whole.sets) {
      if (!filled_.contains(name_of(set))) continue;
      for (const std::string_view noted : set.noted_in) written.insert({set.name.family, noted});
    }
    has_emptied_ = false;
    for (const Set& set : whole.sets) {
      const bool is_empty = set.is_packets_own() && !written.contains(name_of(set));
      if (is_empty) has_emptied_ |= filled_.erase(name_of(set)) != 0;
    }
  }

  void remove_unreachable() {
    Names ended;
    std::erase_if(rules_, [&](const Rule& rule) {
      const Name chain{rule.family, rule.chain};
      if (ended.contains(chain)) return true;
      if (always_decides(rule)) ended.insert(chain);
      return false;
    });
  }

  /// From the end: what follows of a chain is its policy, or the way back.
  void remove_needless_ends(const Ruleset& whole) {
    Names base, closed;
    for (const Chain& chain : whole.chains) {
      if (chain.is_base) base.insert({chain.family, chain.name});
    }
    for (auto rule = rules_.rbegin(); rule != rules_.rend(); ++rule) {
      const Name chain{rule->family, rule->chain};
      if (closed.contains(chain)) continue;
      const auto* verdict =
          rule->expressions.empty() ? nullptr : std::get_if<Verdict>(&rule->expressions.back());
      const bool goes_on_alike = verdict && (*verdict == Verdict::return_ ||
                                             (*verdict == Verdict::accept && base.contains(chain)));
      const bool is_needless = goes_on_alike && std::none_of(rule->expressions.begin(),
                                                             rule->expressions.end(), has_effect);
      if (is_needless) {
        rule->expressions.clear();
      } else {
        closed.insert(chain);
      }
    }
    std::erase_if(rules_, [](const Rule& rule) { return rule.expressions.empty(); });
  }

  /// Whoever goes to a chain without rules ends there as at the end of his own.
  void remove_jumps_to_nothing(const Ruleset& whole) {
    Names with_rules, base;
    for (const Rule& rule : rules_) with_rules.insert({rule.family, rule.chain});
    for (const Chain& chain : whole.chains) {
      if (chain.is_base) base.insert({chain.family, chain.name});
    }
    for (Kept& rule : rules_) {
      const auto* to = std::get_if<ToChain>(&rule.expressions.back());
      if (!to || with_rules.contains({rule.family, to->chain})) continue;
      rule.digest = 0;
      if (!to->comes_back) {
        const bool is_base = base.contains({rule.family, rule.chain});
        rule.expressions.back() = is_base ? Verdict::accept : Verdict::return_;
        continue;
      }
      rule.expressions.pop_back();
      const auto& left = rule.expressions;
      if (std::none_of(left.begin(), left.end(), has_effect)) rule.expressions.clear();
    }
    std::erase_if(rules_, [](const Rule& rule) { return rule.expressions.empty(); });
  }

  /// Base chains, those that rules lead to, and where there is a map of verdicts all others: any
  /// may be in an element of it.
  Names chains_in_use(const Ruleset& whole) const {
    Names used;
    for (const Chain& chain : whole.chains) {
      if (chain.is_base) used.insert({chain.family, chain.name});
    }
    for (const Rule& rule : rules_) {
      for (const Expression& expression : rule.expressions) {
        const auto* to = std::get_if<ToChain>(&expression);
        if (to) used.insert({rule.family, to->chain});
        if (!std::holds_alternative<JumpByMap>(expression)) continue;
        for (const Chain& chain : whole.chains) {
          if (chain.family == rule.family) used.insert({chain.family, chain.name});
        }
      }
    }
    return used;
  }

  void remove_chains_that_nothing_leads_to(const Ruleset& whole) {
    const Names used = chains_in_use(whole);
    std::erase_if(rules_, [&](const Rule& rule) {
      return !used.contains({rule.family, rule.chain});
    });
  }

  Ruleset assemble(const Ruleset& whole) {
    Ruleset left;
    const Names used = chains_in_use(whole);
    Names named, with_rules;
    for (const Rule& rule : rules_) {
      with_rules.insert({rule.family, rule.chain});
      for (const Expression& expression : rule.expressions) {
        std::visit(
            [&](const auto& e) {
              if constexpr (requires { e.set; }) named.insert({rule.family, e.set});
              if constexpr (requires { e.map; }) named.insert({rule.family, e.map});
            },
            expression);
      }
    }
    for (const Chain& chain : whole.chains) {
      const Name name{chain.family, chain.name};
      if (chain.is_base ? with_rules.contains(name) : used.contains(name)) {
        left.chains.push_back(chain);
      }
    }
    for (Kept& rule : rules_) {
      left.digests.push_back(rule.digest != 0 ? rule.digest : digest_of(rule));
      left.rules.push_back(std::move(rule));
    }
    for (const Set& set : whole.sets) {
      const bool is_used = named.contains(name_of(set)) || filled_.contains(name_of(set));
      (is_used ? left.sets : left.idle_sets).push_back(set);
    }
    return left;
  }

  std::size_t size() const {
    std::size_t expressions = 0;
    for (const Rule& rule : rules_) expressions += 1 + rule.expressions.size();
    return expressions;
  }

  std::vector<Kept> rules_;
  Names filled_;
  bool has_emptied_ = false;
};

}  // namespace

Ruleset in_use(const Ruleset& whole, const std::function<bool(const SetName&)>& has_elements) {
  return Reduction(whole, has_elements).reduce(whole);
}

}  // namespace novaplane::nft
