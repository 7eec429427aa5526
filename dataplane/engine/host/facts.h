#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"

/// What compile() may know of the host beyond the document.
namespace novaplane::engine {

/// What compile() must know of the links that the document names and somebody else made. A change
/// of a fact compiles the document again.
struct LinkFacts {
  Mac mac;
  std::uint32_t mtu = 1500;
  std::optional<IpAddress> source;   ///< first global IPv4 address
  std::optional<IpAddress> source6;  ///< global IPv6 address that lasts, see kernel_view.cc
  /// All its global addresses, both families, not ours; of a port of ours those of its bridge too.
  std::vector<Prefix> addresses;
  std::string master;  ///< the bridge, not ours, that it is a port of; or empty
  int rp_filter = 0;   ///< the larger of conf/all and conf/<name>
  int arp_ignore = 0;  ///< the larger of conf/all and conf/<name>
  /// It, or a bridge of ours for it, has IPv6 of the host's: addresses, routes, neighbours. Asked
  /// of NICs only that may become ports.
  bool has_ipv6_config = false;
  /// It heeds router advertisements, or did before forwarding was switched on.
  bool takes_advertisements = false;
  std::string renamed = {};  ///< what it is called now; empty: as the document calls it
  bool operator==(const LinkFacts&) const = default;
};

/// The link that the host's tunnel address is on.
struct TunnelFacts {
  std::string link;
  std::uint32_t mtu = 1500;  ///< of lo: the smallest of the NICs that the document names
  bool has_address = true;   ///< false: it is away; `mtu` is what devices of ours were made for
  bool operator==(const TunnelFacts&) const = default;
};

/// A router outside of the hosts, that guests of a network send to. Two networks never share one.
struct RouterFacts {
  std::optional<Mac> mac;  ///< none: it has never answered
  bool is_dead = false;    ///< it is watched, and does not answer any more
  bool operator==(const RouterFacts&) const = default;
};

/// Whether an uplink works, as those who watch it say.
struct UplinkStatus {
  /// alive: to be used. held: it answers again, but has failed too recently to be trusted; better
  /// than one that is dead. dead: no carrier, or it does not answer.
  enum class Health : std::uint8_t { alive, held, dead };
  Health health = Health::alive;
  bool drained = false;  ///< out of use by hand
  bool standby = false;  ///< `fail_back: false`, and it has failed since it was in use
  bool watched = false;  ///< health says of the carrier too; false: nobody looks
  bool operator==(const UplinkStatus&) const = default;
};

/// Who has switched on that the host forwards packets, of one family.
enum class ForwardedBy : std::uint8_t { nobody, others, us };

struct Facts {
  std::map<std::string, LinkFacts, std::less<>> links;  ///< absent: the link does not exist
  /// All links of the host, whoever names them, that have a default route from a router
  /// advertisement and go on taking those.
  std::set<std::string> advertised_defaults;
  /// Links of ours on which others have put global IPv6 addresses.
  std::set<std::string, std::less<>> keep_ipv6 = {};
  std::optional<TunnelFacts> tunnel = {};  ///< none: no link has the address
  /// Of gateways that this host shares with another, those that it has now.
  std::set<IpAddress> gateways_held = {};
  std::map<IpAddress, RouterFacts> routers = {};  ///< by address; absent: nothing is known
  /// Guests that migrate and were seen to arrive here, or to leave, before the document says so: by
  /// port, where they are.
  std::map<std::string, std::string, std::less<>> moved = {};
  std::map<std::string, UplinkStatus, std::less<>> uplinks = {};  ///< absent: by carrier alone
  std::set<std::string, std::less<>> down = {};                   ///< of uplinks' links: not up
  std::set<std::string, std::less<>> without_carrier = {};        ///< of uplinks' links: up, but
  ForwardedBy forwarding = ForwardedBy::nobody, forwarding6 = ForwardedBy::nobody;
  /// What bridges pass goes through the host's IP rules too: br_netfilter, of either family.
  bool filters_bridged = false;
  std::set<std::string, std::less<>> filtering_bridges = {};  ///< bridges of ours that do so alone
  /// NICs that have another name than the document knows: by the bridge of ours that they are a
  /// underlay port of, or by the VLAN device of ours that is on them.
  std::map<std::string, std::vector<LinkFacts>, std::less<>> renamed = {};
  bool operator==(const Facts&) const = default;

  const LinkFacts* find(std::string_view name) const {
    const auto it = links.find(name);
    return it != links.end() ? &it->second : nullptr;
  }
};

}  // namespace novaplane::engine
