#pragma once

#include <string>
#include <string_view>

#include "dataplane/engine/kinds/kind.h"
#include "dataplane/nft/ruleset.h"
#include "dataplane/nft/values.h"

namespace novaplane::engine {

/// An element of a set or map of our nf_tables. Mark: the table; its comment names the object.
using ElementChange = Change<nft::ElementKey, nft::Element>;

struct ElementKind {
  using Key = nft::ElementKey;
  using Row = nft::Element;
  static constexpr Noun kNoun{"nf_tables element", "nf_tables elements"};
  static constexpr Phase kAdd = Phase::nftables, kRemove = Phase::nftables;
  static constexpr bool kListed = false;
  // The ruleset tells what the bytes of an element mean.
  static std::string subject(const nft::ElementKey& key, const nft::Ruleset& ruleset);
  static std::string what(const ElementChange& change, const nft::Ruleset& ruleset);
  static std::string difference(const nft::Element& before, const nft::Element& after);
};

/// The link that the key of an element begins with; empty: it begins with something else.
std::string_view link_of(const nft::Ruleset&, const nft::ElementKey&);

}  // namespace novaplane::engine
