#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/base/boxed.h"
#include "dataplane/engine/rows.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::engine {

/// The numbered order in which a pass is applied. A step never waits for a later phase.
/// ARCHITECTURE.md says why each stands where it stands.
enum class Phase : std::uint8_t {
  withdraw = 1,  ///< routes, proxies, neighbours, addresses, forwarding entries not wanted any more
  detach = 2,    ///< ports leave bridges, NICs with what they carried
  nftables = 3,  ///< one transaction: ruleset and elements, additions and removals
  sysctls = 4,   ///< host-wide values
  create_links = 5,  ///< bridges, VLAN and VXLAN devices, down; then their own values
  attach = 6,        ///< ports join, up; what a NIC carries moves to its bridge
  raise_links = 7,   ///< links of ours up, MTU last
  shape = 8,         ///< rates of what ports send
  addresses = 9,
  routes = 10,        ///< routes, permanent neighbours, proxies, forwarding entries
  services = 11,      ///< dnsmasq and what it serves, keepalived, conntrackd
  announce = 12,      ///< gratuitous ARP; not waited for
  forget_flows = 13,  ///< conntrack; not waited for
  delete_links = 14   ///< by group, in chunks; restores what was found goes with it
};

/// A difference of one row: before without after is a removal, after without before an addition.
/// Boxed, so that the rare large row does not make every step of a long plan as large.
template <class Key, class Row>
struct Change {
  Key key;
  Boxed<Row> before, after;
  bool operator==(const Change&) const = default;
};

/// The static nf_tables are missing or not as they must be: what of them, in words.
struct RulesetChange {
  std::string what;  ///< "write table inet novaplane"
  std::string why;   ///< "set managed is missing"
  bool operator==(const RulesetChange&) const = default;
};

/// A link of ours goes up with its MTU, once ports have joined: a bridge forgets an MTU that it was
/// given before.
struct Raise {
  LinkKey link;
  std::uint32_t mtu = 0;
  std::string why;  ///< "mtu was 1500, wanted 1450"
  std::string kind = "bridge";
  bool operator==(const Raise&) const = default;
};

using LinkChange = Change<LinkKey, Link>;
using AttachmentChange = Change<AttachmentKey, Attachment>;
using ShaperChange = Change<ShaperKey, Shaper>;
using NicMigrationChange = Change<NicMigrationKey, NicMigration>;
using AddressChange = Change<AddressKey, Address>;
using RouteChange = Change<RouteKey, Route>;
using PolicyRuleChange = Change<PolicyRuleKey, PolicyRule>;
using NeighbourChange = Change<NeighbourKey, Neighbour>;
using ForwardingChange = Change<ForwardingKey, Forwarding>;
using SysctlChange = Change<SysctlKey, Sysctl>;
using ElementChange = Change<nft::ElementKey, nft::Element>;
using ServiceChange = Change<ServiceKey, Service>;
using EntryChange = Change<ServiceEntryKey, ServiceEntry>;

/// What stands on a link is announced again: others know it by a MAC that it has no more, or behind
/// another port of their switch.
struct Reannounce {
  std::string link;
  std::string why;  ///< "its MAC was 02:00:00:00:00:01"
  std::vector<Announce> announcements;
  bool operator==(const Reannounce&) const = default;
};

using Operation =
    std::variant<RulesetChange, LinkChange, Raise, AttachmentChange, NicMigrationChange,
                 ShaperChange, AddressChange, RouteChange, PolicyRuleChange, NeighbourChange,
                 ForwardingChange, SysctlChange, ElementChange, ServiceChange, EntryChange,
                 Announce, Reannounce, ForgetFlows>;

/// Whoever wants a row; null when nothing of the document does. Shared by all rows of an object.
using Owner = std::shared_ptr<const Object>;

struct Step {
  Phase phase;
  Operation operation;
  Owner owner;

  // The ruleset tells what the bytes of an element mean.
  std::string what(
      const nft::Ruleset&) const;  ///< "add route 203.0.113.10/32 table local local dev lo"
  std::string why() const;         ///< "floating IP 203.0.113.10: missing"
  /// "route 203.0.113.10/32": the same for every change of one row.
  std::string subject(const nft::Ruleset&) const;
};

/// The link that the key of an element begins with; empty: it begins with something else.
std::string_view link_of(const nft::Ruleset&, const nft::ElementKey&);

/// Steps in the order in which they are applied.
using Plan = std::vector<Step>;

/// Within each phase by object and subject, so that two plans of one difference read alike.
void sort_for_reading(Plan& plan, const nft::Ruleset&);

std::string_view to_string(Phase phase);

/// "mtu was 1500, wanted 1450"; `before` null: the link is new. Empty: nothing to raise.
std::string reason_to_raise(const Link* before, const Link& after);

}  // namespace novaplane::engine
