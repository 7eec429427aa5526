#include <algorithm>
#include <set>

#include "dataplane/engine/host/egress.h"
#include "nat/nat.h"
#include "nat/public_address.h"
#include "nat/sets.h"

/// What follows a change: flows leave conntrack, and neighbours learn where an address is.
namespace novaplane::nat {
namespace {

using engine::Context;
using engine::ForgetFlows;
using engine::SideEffects;

constexpr std::uint32_t kLocalTable = 255;  // RT_TABLE_LOCAL
constexpr std::uint32_t kAnnounceForward = 3;

ForgetFlows flows_of_forward(const nft::ElementKey& key) {
  const auto [address, protocol, port] = kPortForwards.read_key(key);
  ForgetFlows flows{ForgetFlows::Which::original_destination, address};
  flows.protocol = protocol;
  flows.port = port;
  return flows;
}

/// The address went elsewhere, or nowhere: what used it, inbound and outbound, and nothing else.
void forget_floating(const IpAddress& floating, SideEffects& out) {
  out.flows.push_back({ForgetFlows::Which::original_destination, floating});
  out.flows.push_back({ForgetFlows::Which::reply_destination, floating});
}

/// The fixed address has a floating IP now: what still leaves with the host's address.
void forget_translated(const IpAddress& fixed, const IpAddress& floating, SideEffects& out) {
  ForgetFlows flows{ForgetFlows::Which::translated_source, fixed};
  flows.keep = floating;
  out.flows.push_back(flows);
}

template <class Map>
void on_floating_ip(const Map& map, const nft::ElementKey& key, const nft::Element* before,
                    const nft::Element* after, SideEffects& out) {
  const auto [floating] = map.read_key(key);
  if (before) forget_floating(floating, out);
  if (before || !after) return;
  // A sender that does not give up keeps its flow as it was before the binding, untranslated.
  ForgetFlows flows{ForgetFlows::Which::original_destination, floating};
  flows.keep = std::get<0>(map.read_data(*after));
  out.flows.push_back(flows);
}

template <class Map>
void on_fixed_address(const Map& map, const nft::ElementKey& key, const nft::Element* before,
                      const nft::Element* after, SideEffects& out) {
  if (before || !after) return;
  const auto [fixed] = map.read_key(key);
  const auto [floating] = map.read_data(*after);
  forget_translated(fixed, floating, out);
}

/// Traffic takes another way: what the dead ones carried begins anew.
void forget_dead_uplinks(const Context& context, SideEffects& out) {
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    const auto slot = engine::slot_of(context.host, uplink);
    if (!slot || !engine::is_dead(context.facts, uplink)) continue;
    out.flows.push_back(engine::flows_of_uplink(context.host, *slot));
  }
}

void announce(const Context& context, const IpAddress& address, SideEffects& out) {
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
bool is_no_uplinks(const Context& context, const std::string& interface, const IpAddress& source) {
  const auto& uplinks = context.host.uplinks;
  return std::none_of(uplinks.begin(), uplinks.end(), [&](const cloud::Uplink& uplink) {
    return uplink.interface == interface || source_of(context, uplink) == source;
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

void Nat::on_change(const Context& context, const nft::ElementKey& key, const nft::Element* before,
                    const nft::Element* after, SideEffects& out) const {
  if (before && after && before->data == after->data) return;  // another object asks for it
  if (key.set == kFloatingToFixed) on_floating_ip(kFloatingToFixed, key, before, after, out);
  if (key.set == kFloating6ToFixed) on_floating_ip(kFloating6ToFixed, key, before, after, out);
  if (key.set == kFixedToFloating) on_fixed_address(kFixedToFloating, key, before, after, out);
  if (key.set == kFixedToFloating6) on_fixed_address(kFixedToFloating6, key, before, after, out);
  if (key.set == kUplinks && !before && after) {
    out.replacing_links.push_back(std::get<0>(kUplinks.read_key(key)));
  }
  if (key.set == kUplinkSource && before) {
    // The host has another address there, or none: what still leaves with it has no answers. One
    // that an uplink has lost may come back.
    const auto [interface] = kUplinkSource.read_key(key);
    const auto [source] = kUplinkSource.read_data(*before);
    if (after || is_no_uplinks(context, interface, source)) {
      out.flows.push_back({ForgetFlows::Which::reply_destination, source});
    }
  }
  if (key.set == kPortForwards) {
    const ForgetFlows flows = flows_of_forward(key);
    // A UDP sender that does not give up keeps its flow, as it was before the forward, for ever.
    const bool may_be_stale = before || flows.protocol == static_cast<int>(cloud::Protocol::udp);
    if (may_be_stale) out.flows.push_back(flows);
  }
}

void Nat::on_change(const Context& context, const engine::RouteKey& key,
                    const engine::Route* before, const engine::Route* after,
                    SideEffects& out) const {
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
void Nat::on_change(const Context&, const engine::PolicyRuleKey&, const engine::PolicyRule* before,
                    const engine::PolicyRule* after, SideEffects& out) const {
  if (!before || !after || before->mask == after->mask || !engine::is_of_uplink(*before)) return;
  ForgetFlows flows{ForgetFlows::Which::mark, {}};
  flows.mark = before->mark;
  flows.mask = before->mask;
  out.flows.push_back(flows);
}

void Nat::on_change(const Context& context, const engine::NeighbourKey& key,
                    const engine::Neighbour* before, const engine::Neighbour* after,
                    SideEffects& out) const {
  if (key.proxy && after && !before) announce(context, key.address, out);
}

}  // namespace novaplane::nat
