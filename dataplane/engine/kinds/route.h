#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// Mark: protocol netlink::kOurProtocol.
struct RouteKey {
  std::uint32_t table = 254;  ///< RT_TABLE_MAIN; RT_TABLE_LOCAL is 255
  Prefix destination;
  bool operator==(const RouteKey&) const = default;
};
/// One of several ways of a route.
struct NextHop {
  std::string link;
  IpAddress gateway;
  std::uint32_t weight = 1;  ///< 1 to 256
  bool operator==(const NextHop&) const = default;
};
struct Route {
  enum class Type : std::uint8_t { unicast = 1, local = 2 };  ///< RTN_*
  Type type = Type::unicast;
  std::string link;
  std::optional<IpAddress> gateway = {};
  std::optional<IpAddress> preferred_source = {};
  Boxed<std::vector<NextHop>> next_hops = {};  ///< if several: `link` is the first one's
  bool operator==(const Route&) const = default;
};
using RouteChange = Change<RouteKey, Route>;

struct RouteKind {
  using Key = RouteKey;
  using Row = Route;
  static constexpr Noun kNoun{"route", "routes"};
  static constexpr bool kAnnounces = true;
  static constexpr Phase kAdd = Phase::routes, kRemove = Phase::withdraw;
  static std::string subject(const RouteKey& key);
  static std::string text(const RouteKey&, const Route& route);
  static std::string difference(const Route& before, const Route& after);

  static const std::string& link_of(const RouteKey&, const Route& route) { return route.link; }
  static Result<void> add(const RouteChange&, Requests&);
  static Result<void> remove(const RouteChange&, Requests&);
  static void on(const netlink::Seen<netlink::Route>&, const KernelView&, Tables&);
  static void on(const netlink::Gone<netlink::Route>&, const KernelView&, Tables&);
  static void forget(netlink::Listing, Tables&);
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::RouteKey> {
  std::size_t operator()(const novaplane::engine::RouteKey& k) const {
    return novaplane::hash_of(k.table, k.destination);
  }
};
