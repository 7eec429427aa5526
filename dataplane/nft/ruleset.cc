#include "dataplane/nft/ruleset.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

template <class T>
void move_to_end(std::vector<T>& to, std::vector<T>& from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

bool same_name(const Set& a, const Set& b) { return a.name == b.name; }
bool same_name(const Chain& a, const Chain& b) { return a.family == b.family && a.name == b.name; }

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
  }
  return {};
}

}  // namespace novaplane::nft
