#pragma once

#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// A permanent neighbour, or a proxy. Mark: protocol netlink::kOurProtocol.
struct NeighbourKey {
  std::string link;
  IpAddress address;
  bool proxy = false;  ///< the link answers for the address
  bool operator==(const NeighbourKey&) const = default;
};
struct Neighbour {
  std::optional<Mac> mac;  ///< none for a proxy; entries are permanent
  bool operator==(const Neighbour&) const = default;
};
using NeighbourChange = Change<NeighbourKey, Neighbour>;

struct NeighbourKind {
  using Key = NeighbourKey;
  using Row = Neighbour;
  static constexpr Noun kNoun{"neighbour", "neighbours"};
  static constexpr bool kAnnounces = true;
  static constexpr Phase kAdd = Phase::routes, kRemove = Phase::withdraw;
  static Noun noun(const NeighbourChange& change);
  static std::string subject(const NeighbourKey& key);
  static std::string text(const NeighbourKey&, const Neighbour& neighbour);
  static std::string difference(const Neighbour& before, const Neighbour& after);

  static const std::string& link_of(const NeighbourKey& key, const Neighbour&) { return key.link; }
  static Result<void> add(const NeighbourChange&, Requests&);
  static Result<void> remove(const NeighbourChange&, Requests&);
  static void on(const netlink::Seen<netlink::Neighbour>&, const KernelView&, Tables&);
  static void on(const netlink::Gone<netlink::Neighbour>&, const KernelView&, Tables&);
  static void forget(netlink::Listing, Tables&);
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::NeighbourKey> {
  std::size_t operator()(const novaplane::engine::NeighbourKey& k) const {
    return novaplane::hash_of(k.link, k.address, k.proxy);
  }
};
