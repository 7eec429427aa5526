#include <fmt/format.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/netlink/address_flags.h"
#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/ip_config.h"

/// The requests that set and delete a link's IP configuration.
namespace novaplane::netlink {
namespace {

using Kind = IpConfig::Kind;

constexpr std::uint32_t kTicks = 100;  ///< USER_HZ, of rta_expires

nlmsghdr* header_of(const IpConfig& thing) {
  return reinterpret_cast<nlmsghdr*>(const_cast<std::uint8_t*>(thing.message.data()));
}

template <class Header>
Header family_header(const IpConfig& thing) {
  Header header;
  std::memcpy(&header, thing.message.data() + NLMSG_HDRLEN, sizeof(header));
  return header;
}

/// A request with the family header and room for all attributes of the original and a few more.
template <class Header>
Request request_like(const IpConfig& one, std::uint16_t type, std::uint16_t flags, Header header) {
  Request request(type, flags, one.message.size() + 64);
  put_header(request, header);
  return request;
}

/// Calls f for each attribute behind the family header.
template <class Header, class F>
void for_each_attribute(const IpConfig& thing, F&& f) {
  nlattr* attribute;
  int left;
  nlmsg_for_each_attr(attribute, header_of(thing), static_cast<int>(sizeof(Header)), left) {
    f(static_cast<const nlattr*>(attribute));
  }
}

void copy(Request& request, const nlattr* attribute) {
  // The flags of its type (nested, byte order) too: what came so goes so.
  put(request, attribute->nla_type, nla_data(attribute),
      static_cast<std::size_t>(nla_len(attribute)));
}

// --- addresses

/// Duplicates are not looked for while an address moves: nobody has it but the link that it comes
/// from, and for a second or two it could not be used (RFC 4862).
enum class Dad : std::uint8_t { none, as_it_was };

/// `replacing`: NLM_F_REPLACE, or NLM_F_EXCL to hear of one that stands there already.
Request address_on(const IpConfig& thing, const Ends& ends, Dad dad, std::uint16_t replacing) {
  auto header = family_header<ifaddrmsg>(thing);
  std::uint32_t flags = header.ifa_flags;
  header.ifa_index = static_cast<std::uint32_t>(ends.to);
  header.ifa_flags = 0;
  Request request = request_like(thing, RTM_NEWADDR, NLM_F_CREATE | replacing, header);
  for_each_attribute<ifaddrmsg>(thing, [&](const nlattr* attribute) {
    switch (nla_type(attribute)) {
      case IFA_FLAGS:
        flags = nla_get_u32(attribute);
        return;
      case IFA_LABEL:  // the link's own name is the default
        if (ends.from_name == static_cast<const char*>(nla_data(attribute))) return;
        break;
    }
    copy(request, attribute);
  });
  flags &= kSettableFlags;
  if (thing.ipv6 && dad == Dad::none) flags |= IFA_F_NODAD;
  put(request, IFA_FLAGS, flags);
  return request;
}

bool had_no_dad(const IpConfig& thing) {
  const Attributes<IFA_FLAGS> attributes(*header_of(thing), sizeof(ifaddrmsg));
  return (attributes.number<std::uint32_t>(IFA_FLAGS) & IFA_F_NODAD) != 0;
}

Request address_off(const IpConfig& thing, const Ends& ends) {
  auto header = family_header<ifaddrmsg>(thing);
  header.ifa_index = static_cast<std::uint32_t>(ends.from);
  header.ifa_flags = 0;
  Request request = request_like(thing, RTM_DELADDR, 0, header);
  for_each_attribute<ifaddrmsg>(thing, [&](const nlattr* attribute) {
    const int type = nla_type(attribute);
    if (type == IFA_LOCAL || type == IFA_ADDRESS) copy(request, attribute);
  });
  return request;
}

// --- routes

/// Next hops of a multipath route: the link's number changed, what the kernel found of their state
/// left out.
void copy_next_hops(Request& request, const nlattr* attribute, const Ends& ends, bool on_new) {
  std::vector<std::uint8_t> hops(
      static_cast<const std::uint8_t*>(nla_data(attribute)),
      static_cast<const std::uint8_t*>(nla_data(attribute)) + nla_len(attribute));
  for (std::size_t at = 0; at + sizeof(rtnexthop) <= hops.size();) {
    auto* hop = reinterpret_cast<rtnexthop*>(hops.data() + at);
    const int other = on_new ? ends.from : ends.to;
    if (hop->rtnh_ifindex == other) hop->rtnh_ifindex = on_new ? ends.to : ends.from;
    hop->rtnh_flags &= RTNH_F_ONLINK;
    if (hop->rtnh_len < sizeof(rtnexthop)) break;
    at += RTNH_ALIGN(hop->rtnh_len);
  }
  put(request, RTA_MULTIPATH, hops.data(), hops.size());
}

/// The kernel's own route by a router that advertised itself. It keeps such routes by a flag that
/// nobody else can set, and would stumble over ours at the next advertisement
/// (net/ipv6/ndisc.c, ndisc_router_discovery): ours stands one metric behind until it runs out.
bool is_advertised_default(const IpConfig& thing, const rtmsg& header) {
  return thing.ipv6 && header.rtm_protocol == RTPROT_RA && header.rtm_dst_len == 0;
}

void put_route_attribute(Request& request, const IpConfig& thing, const rtmsg& header,
                         const nlattr* attribute, const Ends& ends, bool on_new) {
  switch (nla_type(attribute)) {
    case RTA_OIF:
      return put(request, RTA_OIF, on_new ? ends.to : ends.from);
    case RTA_MULTIPATH:
      return copy_next_hops(request, attribute, ends, on_new);
    case RTA_CACHEINFO: {
      const auto* info = static_cast<const rta_cacheinfo*>(nla_data(attribute));
      const auto expires = static_cast<std::uint32_t>(info->rta_expires) / kTicks;
      if (on_new && thing.ipv6 && info->rta_expires > 0) put(request, RTA_EXPIRES, expires);
      return;
    }
    case RTA_PRIORITY:
      if (on_new && is_advertised_default(thing, header)) {
        return put(request, RTA_PRIORITY, nla_get_u32(attribute) + 1);
      }
      break;
  }
  copy(request, attribute);
}

Request route_request(const IpConfig& thing, const Ends& ends, std::uint16_t flags, bool on_new) {
  auto header = family_header<rtmsg>(thing);
  header.rtm_flags &= RTNH_F_ONLINK;
  Request request = request_like(thing, on_new ? RTM_NEWROUTE : RTM_DELROUTE, flags, header);
  for_each_attribute<rtmsg>(thing, [&](const nlattr* attribute) {
    put_route_attribute(request, thing, header, attribute, ends, on_new);
  });
  return request;
}

bool is_multipath(const IpConfig& thing) {
  const Attributes<RTA_MULTIPATH> attributes(*header_of(thing), sizeof(rtmsg));
  return attributes.find(RTA_MULTIPATH) != nullptr;
}

/// What a route that names a next hop object is told of that. It goes with the object, also where
/// the kernel drops that, as it does when a bridge loses its last carrier.
bool is_of_next_hop(const nlattr* attribute) {
  switch (nla_type(attribute)) {
    case RTA_OIF:
    case RTA_GATEWAY:
    case RTA_VIA:
    case RTA_MULTIPATH:
    case RTA_ENCAP:
    case RTA_ENCAP_TYPE:
    case RTA_CACHEINFO:
      return true;
    default:
      return false;
  }
}

Request route_by_next_hop(const IpConfig& thing) {
  auto header = family_header<rtmsg>(thing);
  header.rtm_flags &= RTNH_F_ONLINK;
  Request request = request_like(thing, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, header);
  for_each_attribute<rtmsg>(thing, [&](const nlattr* attribute) {
    if (!is_of_next_hop(attribute)) copy(request, attribute);
  });
  return request;
}

/// In place, where nothing else can be hit: an IPv4 route that is the first of its destination and
/// metric, an IPv6 one with all its next hops. Others: the new one behind, then the old one goes.
bool is_replaced(const IpConfig& one) { return one.ipv6 ? is_multipath(one) : one.is_first; }

Request route_on(const IpConfig& thing, const Ends& ends) {
  if (thing.by_next_hop) return route_by_next_hop(thing);
  return route_request(thing, ends,
                       NLM_F_CREATE | (is_replaced(thing) ? NLM_F_REPLACE : NLM_F_APPEND), true);
}

Request next_hop_on(const IpConfig& thing, const Ends& ends) {
  auto header = family_header<nhmsg>(thing);
  header.nh_scope = 0;
  header.nh_flags &= RTNH_F_ONLINK;
  Request request = request_like(thing, RTM_NEWNEXTHOP, NLM_F_CREATE | NLM_F_REPLACE, header);
  for_each_attribute<nhmsg>(thing, [&](const nlattr* attribute) {
    if (nla_type(attribute) == NHA_OIF) return put(request, NHA_OIF, ends.to);
    copy(request, attribute);
  });
  return request;
}

Request next_hop_off(const IpConfig& thing) {
  const Attributes<NHA_ID> attributes(*header_of(thing), sizeof(nhmsg));
  Request request = request_like(thing, RTM_DELNEXTHOP, 0, nhmsg{});
  put(request, NHA_ID, attributes.number<std::uint32_t>(NHA_ID));
  return request;
}

// --- neighbours

Request neighbour_request(const IpConfig& thing, int link, bool on_new) {
  auto header = family_header<ndmsg>(thing);
  header.ndm_ifindex = link;
  Request request = on_new ? request_like(thing, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, header)
                           : request_like(thing, RTM_DELNEIGH, 0, header);
  for_each_attribute<ndmsg>(thing, [&](const nlattr* attribute) {
    const int type = nla_type(attribute);
    const bool identifies = type == NDA_DST;
    const bool describes = type == NDA_LLADDR || type == NDA_PROTOCOL || type == NDA_FLAGS_EXT;
    if (identifies || (on_new && describes)) copy(request, attribute);
  });
  return request;
}

/// Collects the moves of one kind after the other.
class Moves {
 public:
  Moves(const std::vector<IpConfig>& things, const Ends& ends) : things_(things), ends_(ends) {}

  template <class Which, class Build>
  void add(Which&& which, Build&& build, std::vector<int> tolerated) {
    for (const IpConfig& thing : things_) {
      if (which(thing)) put(thing, build(thing), tolerated, true);
    }
  }
  /// In the opposite order: an address that others of its range rest on goes last.
  template <class Which, class Build>
  void remove(Which&& which, Build&& build, std::vector<int> tolerated) {
    for (auto thing = things_.rbegin(); thing != things_.rend(); ++thing) {
      if (which(*thing)) put(*thing, build(*thing), tolerated, false);
    }
  }
  void add(std::vector<Move> others) {
    for (Move& move : others) moves_.push_back(std::move(move));
  }
  std::vector<Move> take() { return std::move(moves_); }

 private:
  void put(const IpConfig& thing, Request request, const std::vector<int>& tolerated, bool adds) {
    moves_.push_back({std::move(request), tolerated,
                      adds ? fmt::format("put {} on {}", thing.text, ends_.to_name)
                           : fmt::format("take {} from {}", thing.text, ends_.from_name),
                      &thing, !adds});
  }

  const std::vector<IpConfig>& things_;
  const Ends& ends_;
  std::vector<Move> moves_;
};

/// A global IPv6 address with a lifetime gets its range's route only on a link that is up, which
/// the bridge is after relinking. Its packets are taken meanwhile: the old link still has it.
bool needs_link_up(const IpConfig& c) { return c.kind == Kind::address && c.ipv6 && !c.link_local; }

auto is(Kind kind) {
  return [kind](const IpConfig& c) { return c.kind == kind; };
}

void add_puts(Moves& moves, const Ends& ends, std::vector<Move> relink) {
  const auto replace = [&](const IpConfig& c) {
    return address_on(c, ends, Dad::none, NLM_F_REPLACE);
  };
  const auto create = [&](const IpConfig& c) { return address_on(c, ends, Dad::none, NLM_F_EXCL); };
  moves.add([](const IpConfig& c) { return c.kind == Kind::address && !needs_link_up(c); }, replace,
            {});
  moves.add(std::move(relink));
  moves.add(needs_link_up, create, {EEXIST});
  moves.add(is(Kind::next_hop), [&](const IpConfig& c) { return next_hop_on(c, ends); }, {});
  for (const bool gateway : {false, true}) {
    moves.add([&](const IpConfig& c) { return c.kind == Kind::route && c.has_gateway == gateway; },
              [&](const IpConfig& c) { return route_on(c, ends); }, {EEXIST});
  }
  moves.add(is(Kind::neighbour),
            [&](const IpConfig& c) { return neighbour_request(c, ends.to, true); }, {});
}

/// `with_all_hops`: of several next hops each is deleted, those on other links too.
void add_removals(Moves& moves, const Ends& ends, bool with_all_hops) {
  moves.remove(is(Kind::neighbour),
               [&](const IpConfig& c) { return neighbour_request(c, ends.from, false); }, {ENOENT});
  moves.remove(
      [&](const IpConfig& c) {
        return c.kind == Kind::route && !c.by_next_hop && (with_all_hops || !is_multipath(c));
      },
      [&](const IpConfig& c) { return route_request(c, ends, 0, false); }, {ESRCH, ENOENT});
  moves.remove(is(Kind::address), [&](const IpConfig& c) { return address_off(c, ends); },
               {EADDRNOTAVAIL});
}

void add_address(std::vector<IpAddress>& to, std::span<const std::uint8_t> bytes) {
  if (auto address = IpAddress::from_bytes(bytes)) to.push_back(*address);
}

/// Of a route by several next hops: those of hops on the link.
void add_gateways_of_hops(std::span<const std::uint8_t> hops, int link,
                          std::vector<IpAddress>& gateways) {
  while (hops.size() >= sizeof(rtnexthop)) {
    const auto* hop = reinterpret_cast<const rtnexthop*>(hops.data());
    if (hop->rtnh_len < sizeof(*hop) || hop->rtnh_len > hops.size()) return;
    const auto* gateway = nla_find(reinterpret_cast<const nlattr*>(hop + 1),
                                   static_cast<int>(hop->rtnh_len - sizeof(*hop)), RTA_GATEWAY);
    if (gateway && hop->rtnh_ifindex == link) {
      const auto* data = static_cast<const std::uint8_t*>(nla_data(gateway));
      add_address(gateways, {data, static_cast<std::size_t>(nla_len(gateway))});
    }
    hops = hops.subspan(std::min<std::size_t>(hops.size(), RTNH_ALIGN(hop->rtnh_len)));
  }
}

/// What the kernel has to know a way to before it takes the thing.
std::vector<IpAddress> gateways_of(const IpConfig& thing, const Ends& ends) {
  std::vector<IpAddress> gateways;
  if (thing.kind == Kind::next_hop) {
    const Attributes<NHA_GATEWAY> attributes(*header_of(thing), sizeof(nhmsg));
    add_address(gateways, attributes.bytes(NHA_GATEWAY));
    return gateways;
  }
  const Attributes<RTA_VIA> attributes(*header_of(thing), sizeof(rtmsg));
  add_address(gateways, attributes.bytes(RTA_GATEWAY));
  const auto via = attributes.bytes(RTA_VIA);
  add_address(gateways, via.subspan(std::min(via.size(), sizeof(rtvia))));
  add_gateways_of_hops(attributes.bytes(RTA_MULTIPATH), ends.from, gateways);
  return gateways;
}

}  // namespace

std::vector<Move> moves(const std::vector<IpConfig>& things, const Ends& ends,
                        std::vector<Move> relink) {
  Moves moves(things, ends);
  add_puts(moves, ends, std::move(relink));
  // Replaced ones are gone, unless the same stood on the new link already.
  constexpr bool kWithAllHops = true;
  add_removals(moves, ends, !kWithAllHops);
  moves.add([](const IpConfig& c) { return c.kind == Kind::address && c.ipv6 && !had_no_dad(c); },
            [&](const IpConfig& c) { return address_on(c, ends, Dad::as_it_was, NLM_F_REPLACE); },
            {});
  return moves.take();
}

std::vector<Move> puts(const std::vector<IpConfig>& things, const Ends& ends) {
  Moves moves(things, ends);
  add_puts(moves, ends, {});
  return moves.take();
}

std::vector<Move> removals(const std::vector<IpConfig>& things, const Ends& ends) {
  Moves moves(things, ends);
  constexpr bool kWithAllHops = true;
  add_removals(moves, ends, kWithAllHops);
  moves.remove(is(Kind::next_hop), next_hop_off, {ENOENT});
  return moves.take();
}

std::vector<Request> put_with_gateways(const IpConfig& thing, const Ends& ends) {
  std::vector<Request> requests;
  std::vector<Route> ways;
  for (const IpAddress& gateway : gateways_of(thing, ends)) {
    const auto length = static_cast<std::uint8_t>(8 * gateway.bytes().size());
    ways.push_back({.destination = {gateway, length},
                    .protocol = kOurProtocol,
                    .scope = RT_SCOPE_LINK,
                    .link = ends.to});
  }
  for (const Route& way : ways) requests.push_back(add_route(way, RouteHow::create));
  requests.push_back(thing.kind == Kind::next_hop ? next_hop_on(thing, ends)
                                                  : route_on(thing, ends));
  for (const Route& way : ways) requests.push_back(delete_route(way));
  return requests;
}

}  // namespace novaplane::netlink
