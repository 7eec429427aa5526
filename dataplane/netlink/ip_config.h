#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/netlink/request.h"
#include "dataplane/netlink/socket.h"

/// The IP configuration that the host has on a link, and how it moves to another link: addresses,
/// routes of all tables, next hop objects, permanent and proxy neighbours. Each is kept as the
/// kernel told it and is sent again as it is, with the link's number changed, so that no attribute
/// is lost.
namespace novaplane::netlink {

/// A message of a listing, whole: nlmsghdr, family header, attributes.
using RawMessage = std::vector<std::uint8_t>;

/// One address, route, next hop object or neighbour.
struct IpConfig {
  enum class Kind : std::uint8_t { address, next_hop, route, neighbour };
  Kind kind = Kind::address;
  bool ipv6 = false;
  bool by_kernel = false;  ///< a route that comes and goes with an address
  bool has_gateway = false;
  bool by_next_hop = false;   ///< a route that names a next hop object, and moves with that
  bool is_first = true;       ///< IPv4 routes: the one of its destination and metric that counts
  bool advertised = false;    ///< by a router (RFC 4861)
  bool is_temporary = false;  ///< an IPv6 address that goes with another one (RFC 8981)
  bool link_local = false;    ///< an IPv6 address that is good for the link only
  std::string text;           ///< "address 192.0.2.11/24", "route default via 192.0.2.1 metric 100"
  RawMessage message;

  bool operator==(const IpConfig&) const = default;
};

/// Everything on `link` that is not ours (kOurProtocol), in the order in which it can
/// be set anew. IPv6 counts where the link has more of it than every link has: a link-local address
/// and the kernel's own routes. `ranks`: also finds out IpConfig::is_first, which lists whole
/// tables.
Result<std::vector<IpConfig>> ip_config_of(Socket& socket, int link, bool ranks);

/// Whether the host has IPv6 configured on `link`.
Result<bool> has_ipv6_config(Socket& socket, int link);

/// What a message of a listing is; none: nothing that moves.
std::optional<IpConfig> ip_config_from(RawMessage message);

/// Whether one of `things` is an address in the range of the route, which the kernel's own routes
/// come and go with.
bool has_address_of(const IpConfig& route, const std::vector<IpConfig>& things);

/// An address that was listed so many seconds ago lives that much shorter. False: it has run out.
bool age(IpConfig& config, std::uint32_t seconds);

/// One request of a move, and which errors say that it is so already.
struct Move {
  Request request;
  std::vector<int> tolerated;
  std::string what;                 ///< "put address 192.0.2.11/24 on br-blue"
  const IpConfig* thing = nullptr;  ///< null: it is about no thing
  bool takes = false;               ///< the thing goes from the old link
};

/// From which link to which.
struct Ends {
  int from = 0, to = 0;
  std::string from_name, to_name;
};

/// Moves everything, to be sent at once: addresses on the new link; then `relink`, by which the
/// underlay port changes hands and the new link is up; IPv6 addresses that need it up; next hops
/// and routes, those without a gateway first; neighbours. Then the old ones go, and a link's routes
/// with its last address, which is why they have moved before. At last IPv6 addresses get their own
/// flags back. Sent twice, or after half of it, the outcome is the same.
std::vector<Move> moves(const std::vector<IpConfig>& things, const Ends& ends,
                        std::vector<Move> relink);

/// The first half of moves(): things are set on `ends.to`.
std::vector<Move> puts(const std::vector<IpConfig>& things, const Ends& ends);
/// Things go from `ends.from`, next hop objects too.
std::vector<Move> removals(const std::vector<IpConfig>& things, const Ends& ends);

/// For a route or next hop whose gateway is in no range of the new link, since the address has gone
/// on whose range it was set: the gateway gets a route of its own before, which goes after.
std::vector<Request> put_with_gateways(const IpConfig& thing, const Ends& ends);

}  // namespace novaplane::netlink
