#include <algorithm>
#include <cstring>
#include <set>

#include "dataplane/engine/egress.h"
#include "nat/nat.h"
#include "nat/public_address.h"
#include "nat/sets.h"

/// What follows a change: flows leave conntrack, and neighbours learn where an address is.
namespace novaplane::nat {
namespace {

using engine::Consequences;
using engine::Context;
using engine::ForgetFlows;

constexpr std::uint32_t kLocalTable = 255;  // RT_TABLE_LOCAL
constexpr std::uint32_t kAnnounceForward = 3;

IpAddress address_at(std::string_view bytes, std::size_t size = 4) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(bytes.data());
  return *IpAddress::from_bytes({first, size});
}

/// The whole of a key or of data is an address, of either family.
IpAddress address_of(std::string_view bytes) { return address_at(bytes, bytes.size()); }

bool is_to_fixed(const nft::SetName& set) {
  return set == kFloatingToFixed || set == kFloating6ToFixed;
}

bool is_to_floating(const nft::SetName& set) {
  return set == kFixedToFloating || set == kFixedToFloating6;
}

/// A key of port_forwards: address, protocol and port, padded to four bytes each.
ForgetFlows flows_of_forward(std::string_view key) {
  const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(key[at]); };
  ForgetFlows flows{ForgetFlows::Which::original_destination, address_at(key)};
  flows.protocol = byte(4);
  flows.port = static_cast<std::uint16_t>(byte(8) << 8 | byte(9));
  return flows;
}

/// The address went elsewhere, or nowhere: what used it, inbound and outbound, and nothing else.
void forget_floating(const IpAddress& floating, Consequences& out) {
  out.flows.push_back({ForgetFlows::Which::original_destination, floating});
  out.flows.push_back({ForgetFlows::Which::reply_destination, floating});
}

/// The fixed address has a floating IP now: what still leaves with the host's address.
void forget_translated(const IpAddress& fixed, const IpAddress& floating, Consequences& out) {
  ForgetFlows flows{ForgetFlows::Which::translated_source, fixed};
  flows.keep = floating;
  out.flows.push_back(flows);
}

/// Traffic takes another way: what the dead ones carried begins anew.
void forget_dead_uplinks(const Context& context, Consequences& out) {
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    const auto slot = engine::slot_of(context.host, uplink);
    if (!slot || !engine::is_dead(context.facts, uplink)) continue;
    out.flows.push_back(engine::flows_of_uplink(context.host, *slot));
  }
}

void announce(const Context& context, const IpAddress& address, Consequences& out) {
  const auto& floating = context.cloud.floating_ips;
  if (const auto ip = floating.find(address); ip != floating.end()) {
    if (const cloud::Uplink* uplink = uplink_of(context, ip->second)) {
      out.announcements.push_back({uplink->interface, address, ip->second.announce});
      return;
    }
  }
  const auto& forwards = context.cloud.port_forwards;
  const bool is_forwarded = std::any_of(forwards.begin(), forwards.end(), [&](const auto& entry) {
    return entry.second.address == address;
  });
  if (is_forwarded && !context.host.uplinks.empty()) {
    out.announcements.push_back(
        {context.host.uplinks.front().interface, address, kAnnounceForward});
  }
}

/// No uplink has that interface, nor the address: it may stand on a bridge by now.
bool is_no_uplinks(const Context& context, std::string_view interface, const IpAddress& source) {
  const auto& uplinks = context.host.uplinks;
  return std::none_of(uplinks.begin(), uplinks.end(), [&](const cloud::Uplink& uplink) {
    return nft::Bytes().ifname(uplink.interface).take() == interface ||
           source_of(context, uplink) == source;
  });
}

}  // namespace

/// Sources of translation that the link has: answers come to them. One that keepalived gives to
/// either of two hosts is there on the active one only.
void Nat::announce_again(const Context& context, const std::string& link,
                         std::vector<engine::Announce>& out) const {
  const engine::LinkFacts* facts = context.facts.find(link);
  if (!facts) return;
  std::set<IpAddress> sources;
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    if (uplink.interface != link) continue;
    for (const auto& source : {source_of(context, uplink), source6_of(context, uplink)}) {
      if (source && has_address(*facts, *source)) sources.insert(*source);
    }
  }
  for (const IpAddress& source : sources) out.push_back({link, source});
}

void Nat::follow(const Context& context, const nft::ElementKey& key, const nft::Element* before,
                 const nft::Element* after, Consequences& out) const {
  if (before && after && before->data == after->data) return;  // another object asks for it
  if (is_to_fixed(key.set) && before) forget_floating(address_of(key.key), out);
  if (is_to_fixed(key.set) && !before && after) {
    // A sender that does not give up keeps its flow as it was before the binding, untranslated.
    ForgetFlows flows{ForgetFlows::Which::original_destination, address_of(key.key)};
    flows.keep = address_of(after->data);
    out.flows.push_back(flows);
  }
  if (is_to_floating(key.set) && !before && after) {
    forget_translated(address_of(key.key), address_of(after->data), out);
  }
  if (key.set == kUplinks && !before && after) out.new_places.emplace_back(key.key.c_str());
  if (key.set == kUplinkSource && before) {
    // The host has another address there, or none: what still leaves with it has no answers. One
    // that an uplink has lost may come back.
    const IpAddress source = address_of(before->data);
    if (after || is_no_uplinks(context, key.key, source)) {
      out.flows.push_back({ForgetFlows::Which::reply_destination, source});
    }
  }
  if (key.set == kPortForwards) {
    const ForgetFlows flows = flows_of_forward(key.key);
    // A UDP sender that does not give up keeps its flow, as it was before the forward, for ever.
    const bool may_be_stale = before || flows.protocol == static_cast<int>(cloud::Protocol::udp);
    if (may_be_stale) out.flows.push_back(flows);
  }
}

void Nat::follow(const Context& context, const engine::RouteKey& key, const engine::Route* before,
                 const engine::Route* after, Consequences& out) const {
  const bool is_public_address = key.table == kLocalTable && after &&
                                 after->type == engine::Route::Type::local &&
                                 key.destination.length == key.destination.address.bits();
  if (after && key.table > engine::kPreferenceTables && key.table <= engine::kLastPreferenceTable) {
    forget_dead_uplinks(context, out);
  }
  if (!is_public_address) return;
  // At home on another uplink, since its source is another one.
  if (!before || before->preferred_source != after->preferred_source) {
    announce(context, key.destination.address, out);
  }
}

/// Flows bear the number of their uplink in bits that are not looked at any more: they would leave
/// by another one, with an address of theirs.
void Nat::follow(const Context&, const engine::PolicyRuleKey&, const engine::PolicyRule* before,
                 const engine::PolicyRule* after, Consequences& out) const {
  if (!before || !after || before->mask == after->mask || !engine::is_of_uplink(*before)) return;
  ForgetFlows flows{ForgetFlows::Which::mark, {}};
  flows.mark = before->mark;
  flows.mask = before->mask;
  out.flows.push_back(flows);
}

void Nat::follow(const Context& context, const engine::NeighbourKey& key,
                 const engine::Neighbour* before, const engine::Neighbour* after,
                 Consequences& out) const {
  if (key.proxy && after && !before) announce(context, key.address, out);
}

}  // namespace novaplane::nat
