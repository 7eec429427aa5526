#pragma once

#include <string>
#include <utility>

#include "dataplane/engine/rows.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/nft/set_of.h"

namespace novaplane::engine {

/// The name of the object that asked for the element; empty: one of another kind did.
inline std::string name_of(ObjectKind kind, const nft::Element& element) {
  const std::string prefix = Object{kind, {}}.to_string();
  const std::string_view comment = element.comment;
  return comment.starts_with(prefix) ? std::string(comment.substr(prefix.size())) : "";
}

/// Appends the elements that one object asks for; each carries its name as comment.
class Elements {
 public:
  Elements(const Object& object, Rows& out) : Elements(object.to_string(), out) {}
  /// Where the object is less than `show` has to know: "uplink wan" for a part of a host.
  Elements(CompactString comment, Rows& out) : comment_(std::move(comment)), out_(out) {}

  /// `elements.add(kGateways, {bridge, address})`
  template <class Set>
  void add(const Set& set, const typename Set::Key& key) {
    put(set.key(key), {});
  }
  /// Of maps, and of sets of limiters: `elements.add(kUplinkSource, {interface}, {address})`.
  template <class Set>
  void add(const Set& set, const typename Set::Key& key, const typename Set::Data& data) {
    put(set.key(key), set.data(data));
  }
  template <nft::Field address>
  void add(const nft::RangesOf<address>& set, const Prefix& range) {
    put(set.key(range), {});
  }
  /// To the set of the range's family.
  void add(const nft::RangesOf<nft::Field::ipv4_addr>& set,
           const nft::RangesOf<nft::Field::ipv6_addr>& set6, const Prefix& range) {
    range.address.is_v4() ? add(set, range) : add(set6, range);
  }

 private:
  void put(nft::ElementKey key, std::string data) {
    out_.elements.emplace_back(std::move(key), nft::Element{std::move(data), comment_});
  }

  CompactString comment_;
  Rows& out_;
};

}  // namespace novaplane::engine
