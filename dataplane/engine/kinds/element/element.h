#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dataplane/base/hash.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/nft/ruleset.h"
#include "dataplane/nft/values.h"

namespace novaplane::nft {
struct ElementAdded;
struct ElementRemoved;
struct Observed;
}  // namespace novaplane::nft

namespace novaplane::engine {

/// An element of a set or map of our nf_tables. Mark: the table; its comment names the object.
using ElementChange = Change<nft::ElementKey, nft::Element>;

/// Which sets have elements, wanted or seen: the ruleset has rules for those only (nft/in_use.h).
/// What is seen counts, since an element that is not wanted may stay as long as its port does.
class FilledSets {
 public:
  void add(const nft::ElementKey& key) {
    if (++elements_[key.set] == 1) has_changed_ = true;
  }
  void remove(const nft::ElementKey& key) {
    if (--elements_[key.set] == 0) has_changed_ = true;
  }
  bool contains(const nft::SetName& set) const {
    const auto found = elements_.find(set);
    return found != elements_.end() && found->second != 0;
  }
  /// Since it was asked last: a set may have got its first element, or lost its last.
  bool take_changed() { return std::exchange(has_changed_, false); }

 private:
  struct Hash {
    std::size_t operator()(const nft::SetName& set) const {
      return hash_of(static_cast<int>(set.family), set.name);
    }
  };
  std::unordered_map<nft::SetName, std::size_t, Hash> elements_;
  bool has_changed_ = true;
};

struct ElementKind {
  using Key = nft::ElementKey;
  using Row = nft::Element;
  using Tally = FilledSets;
  static constexpr Noun kNoun{"nf_tables element", "nf_tables elements"};
  static constexpr Phase kAdd = Phase::nftables, kRemove = Phase::nftables;
  static constexpr bool kListed = false;
  // The ruleset tells what the bytes of an element mean.
  static std::string subject(const nft::ElementKey& key, const nft::Ruleset& ruleset);
  static std::string what(const ElementChange& change, const nft::Ruleset& ruleset);
  static std::string difference(const nft::Element& before, const nft::Element& after);

  static void on(nft::Observed&, KernelView&, Tables&);
  static void on(nft::ElementAdded&, KernelView&, Tables&);
  static void on(const nft::ElementRemoved&, KernelView&, Tables&);
  static void on_rewritten(nft::Family, KernelView&, Tables&);  ///< a table goes with all of them
  static bool is_named_in(const std::vector<nft::SetName>& sets, const std::string& link,
                          const Tables&);

  /// With what the ruleset needs: all of nf_tables in one transaction.
  static void write_all(ApplyContext&, const Work&);
  static constexpr Runner kRunners[] = {{Phase::nftables, write_all}};
};

FilledSets& filled_sets(Tables&);

/// The link that the key of an element begins with; empty: it begins with something else.
std::string_view link_of(const nft::Ruleset&, const nft::ElementKey&);

}  // namespace novaplane::engine
