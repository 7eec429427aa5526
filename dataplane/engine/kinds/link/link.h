#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"

namespace novaplane::engine {

/// A link that we create and own: a bridge, or a VLAN or VXLAN device as the underlay port of one.
/// Mark: link group netlink::kOurGroup.
struct Link {
  std::string kind = "bridge";
  Mac mac = {};
  std::uint32_t mtu = 1500;
  std::string alias = {};  ///< "novaplane network blue"
  /// False: disable_ipv6 is set. True: the link has the addresses that the rows name and no other:
  /// it makes none of its own, and takes none from router advertisements.
  bool ipv6 = false;
  bool takes_addresses6 = false;  ///< with ipv6: it makes addresses of its own, as NICs do
  bool route_localnet = false;    ///< metadata on a loopback address needs it
  // Of each link beside the host's own switch, which sets them all; none: left as found.
  std::optional<bool> forwards = {};   ///< net.ipv4.conf.<name>.forwarding
  std::optional<bool> forwards6 = {};  ///< the link advertises itself as a router's
  bool stp = false;
  std::uint32_t forward_delay = 0;  ///< hundredths of a second
  bool linklocal_learn = false;     ///< a bridge learns from frames that it does not forward
  bool up = true;
  std::uint16_t udp_port = 0;  ///< VXLAN devices only
  std::uint32_t vni = 0;       ///< VXLAN devices only
  std::string parent = {};     ///< VLAN devices only: the NIC below
  std::uint16_t vlan_id = 0;   ///< VLAN devices only
  IpAddress local = {};        ///< VXLAN devices only: the tunnel's address here
  bool learning = false;       ///< VXLAN devices only
  bool operator==(const Link&) const = default;
};
using LinkKey = std::string;
using LinkChange = Change<LinkKey, Link>;

/// A link of ours goes up with its MTU, once ports have joined: a bridge forgets an MTU that it was
/// given before.
struct Raise {
  static constexpr Phase kPhase = Phase::raise_links;
  LinkKey link;
  std::uint32_t mtu = 0;
  std::string why;  ///< "mtu was 1500, wanted 1450"
  std::string kind = "bridge";
  bool operator==(const Raise&) const = default;
};
std::string subject_of(const Raise&);
std::string what_of(const Raise&);
std::string reason_of(const Raise&);
Noun noun_of(const Raise&);
void settled(const Raise&, Tables&);
/// "mtu was 1500, wanted 1450"; `before` null: the link is new. Empty: nothing to raise.
std::string reason_to_raise(const Link* before, const Link& after);

struct LinkKind {
  using Key = LinkKey;
  using Row = Link;
  static constexpr Noun kNoun{"link", "links"};
  static constexpr Verbs kVerbs{"created", "removed", "changed"};
  static constexpr Phase kAdd = Phase::create_links, kRemove = Phase::delete_links;
  static Noun noun(const LinkChange& change);
  static Noun noun(std::string_view kind);  ///< "bridge", "VLAN device", "VXLAN device"
  static std::string subject(const LinkKey& name) { return "link " + name; }
  static std::string text(const LinkKey&, const Link& link);
  static std::string difference(const Link& before, const Link& after);

  static void before_plan(Planning&);  ///< finds the links that are blocked
  static std::optional<Phase> place(Planning&, const LinkKey&, const Link* wanted, const Owner&);
  static void plan_raises(Planning&);  ///< links that go up
  static bool has_other_mac(const LinkChange&);
  static Link made(const LinkChange&);  ///< what a change that succeeded has left
  static const std::string* type_of(const std::string& link, const Tables&);
  static void refresh(const netlink::Link&, KernelView&, Tables&);
  static void refresh_wanted(KernelView&, Tables&);
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);

  static void create_all(ApplyContext&, const Work&);
  static void raise_all(ApplyContext&, const Work&);
  static void delete_all(ApplyContext&, const Work&);
  static constexpr Runner kRunners[] = {{Phase::create_links, create_all, /*in_slices=*/true},
                                        {Phase::raise_links, raise_all, /*in_slices=*/true},
                                        {Phase::delete_links, delete_all}};
};

/// disable_ipv6 of any link.
Result<void> set_ipv6(const std::string& link, bool on);

}  // namespace novaplane::engine
