#include "dataplane/nft/ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "dataplane/nft/elements.h"
#include "dataplane/nft/fields.h"
#include "dataplane/nft/ruleset_messages.h"
#include "dataplane/nft/selectors.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

template <class T>
void move_to_end(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

bool same_name(const Set& a, const Set& b) { return a.name == b.name; }
bool same_name(const Chain& a, const Chain& b) { return a.family == b.family && a.name == b.name; }

/// The set or map that an expression looks up or writes, and what of a packet it is asked by.
struct Lookup {
  std::string_view set;
  const Key* key = nullptr;
};

std::optional<Lookup> lookup_of(const Expression& expression) {
  return std::visit(
      [](const auto& e) -> std::optional<Lookup> {
        if constexpr (requires { e.set; }) {
          return Lookup{e.set, &e.key};
        } else if constexpr (requires { e.map; }) {
          return Lookup{e.map, &e.key};
        } else {
          return std::nullopt;
        }
      },
      expression);
}

/// As the kernel counts: registers of four bytes. It tells a shorter key from a longer one only.
std::size_t registers_of(const Key& key) {
  std::size_t bytes = 0;
  for (const Select of : key) bytes += padded(selector(of).size);
  return bytes;
}

/// What is wrong with the sets that a rule names; empty: nothing.
std::string wrong_lookup(const Ruleset& ruleset, const Rule& rule) {
  for (const Expression& expression : rule.expressions) {
    const auto lookup = lookup_of(expression);
    if (!lookup) continue;
    const SetName name{rule.family, lookup->set};
    const Set* set = find_set(ruleset, name);
    const auto in_words = [&] {
      return fmt::format("set {} {}, which a rule of chain {} names", to_string(name.family),
                         name.name, rule.chain);
    };
    if (!set) return fmt::format("there is no {}", in_words());
    if (registers_of(*lookup->key) != padded(size_of(set->key))) {
      return fmt::format("{} is not the key of {}", to_text(*lookup->key), in_words());
    }
  }
  return {};
}

/// The kernel runs chains of one hook and priority in the order in which they came, which is
/// another one after each change.
const Chain* sharing_a_place(const std::vector<Chain>& chains) {
  for (auto it = chains.begin(); it != chains.end(); ++it) {
    const bool is_shared = std::any_of(chains.begin(), it, [&](const Chain& other) {
      return it->is_base && other.is_base && other.family == it->family && other.hook == it->hook &&
             other.priority == it->priority;
    });
    if (is_shared) return &*it;
  }
  return nullptr;
}

/// The first element whose name another one has before it.
template <class T>
const T* repeated(const std::vector<T>& all) {
  for (auto it = all.begin(); it != all.end(); ++it) {
    if (std::any_of(all.begin(), it, [&](const T& other) { return same_name(other, *it); }))
      return &*it;
  }
  return nullptr;
}

}  // namespace

void Ruleset::merge(Ruleset other) {
  move_to_end(idle_sets, other.idle_sets);
  move_to_end(sets, other.sets);
  move_to_end(chains, other.chains);
  move_to_end(rules, other.rules);
}

Result<void> Ruleset::check() const {
  constexpr std::string_view kStep = "put the ruleset together";
  if (const Set* set = repeated(sets)) {
    return failure(std::string(kStep), fmt::format("set {} comes twice", set->name.name));
  }
  if (const Chain* chain = repeated(chains)) {
    return failure(std::string(kStep), fmt::format("chain {} comes twice", chain->name));
  }
  if (const Chain* chain = sharing_a_place(chains)) {
    return failure(std::string(kStep),
                   fmt::format("chain {} has the place of another", chain->name));
  }
  for (const Rule& rule : rules) {
    const bool placed = std::any_of(chains.begin(), chains.end(), [&](const Chain& chain) {
      return chain.family == rule.family && chain.name == rule.chain;
    });
    if (!placed)
      return failure(std::string(kStep), fmt::format("there is no chain {}", rule.chain));
    if (rule.comment.size() > kLongestComment) {
      return failure(std::string(kStep), fmt::format("a comment has at most {} bytes: {}",
                                                     kLongestComment, rule.comment));
    }
    if (std::string words = wrong_lookup(*this, rule); !words.empty()) {
      return failure(std::string(kStep), std::move(words));
    }
  }
  return {};
}

SharedRuleset share(Ruleset ruleset) {
  ruleset.digests = digests_of(ruleset.rules);
  return std::make_shared<const Ruleset>(std::move(ruleset));
}

}  // namespace novaplane::nft
