#include <fmt/format.h>

#include <algorithm>

#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/egress.h"
#include "dataplane/engine/host/metadata.h"
#include "dataplane/engine/host/presence.h"
#include "nat/egress.h"
#include "nat/marks.h"
#include "nat/nat.h"
#include "nat/public_address.h"
#include "nat/sets.h"
#include "nat/uplink_title.h"

namespace novaplane::nat {
namespace {

using engine::Context;
using engine::Elements;
using engine::kMetadataAddress;
using engine::Object;
using engine::ObjectKind;
using engine::Rows;

constexpr std::uint16_t kMetadataPort = 80;

// --- host

void compile_uplink(const Context& context, const cloud::Uplink& uplink, Rows& out) {
  Elements elements(uplink_title(context.host, uplink.interface), out);
  const std::string& interface = uplink.interface;
  elements.add(kUplinks, {interface});
  if (needs_proxy(context, uplink)) {
    // Else the kernel answers for a proxied address up to 0.8 s late.
    out.sysctls.push_back({fmt::format("net/ipv4/neigh/{}/proxy_delay", uplink.interface), {"0"}});
  }
  if (!uplink.snat) return;
  elements.add(kTranslating, {interface});
  if (const auto source6 = source6_of(context, uplink)) {
    elements.add(kSnatAddresses6, {*source6});
  }
  if (const auto source = source_of(context, uplink)) {
    elements.add(kUplinkSource, {interface}, {*source});
    elements.add(kSnatAddresses, {*source});
    return;
  }
  const bool exists = context.facts.find(uplink.interface) != nullptr;
  out.problems.push_back({fmt::format("uplink {}: {}", uplink.name, uplink.interface), 0,
                          exists ? "no global IPv4 address to translate to" : "no such link"});
}

void compile_host(const Context& context, const Object& object, Rows& out) {
  Elements elements(object, out);
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    if (is_first_on_its_interface(context.host, uplink)) {
      compile_uplink(context, uplink, out);
    }
  }
  compile_egress(context, object, out);
  compile_proxying6(context, out);
  for (const Prefix& range : context.cloud.no_snat) {
    elements.add(kNoSnat, kNoSnat6, range);
  }
  for (const Prefix& range : context.cloud.force_snat) elements.add(kForceSnat, range);
  if (const auto metadata = engine::metadata_listener(context.host)) {
    elements.add(kMetadata, {kMetadataAddress, kMetadataPort}, {metadata->address, metadata->port});
    if (!metadata->address.is_loopback()) {
      elements.add(kMetadataServers, {metadata->address, metadata->port});
    }
  }
}

// --- network

void compile_network(const Context& context, const Object& object, const cloud::Network& network,
                     Rows& out) {
  if (!present_on(context, network) || !host_address_on(context, network)) return;
  if (context.host.metadata && engine::answers_on(context, network)) {
    // For guests that take 169.254.0.0/16 for their own link and ask who has the address.
    constexpr bool kProxy = true;
    out.neighbours.push_back({{network.bridge, kMetadataAddress, kProxy}, {}});
  }
  compile_preference(context, object, network, out);
  Elements elements(object, out);
  if (engine::is_gateway_host(context, network)) {
    elements.add(kPairRanges, network.cidr);
    elements.add(kHairpinSource, {network.bridge}, {*network.gateway});
  }
  const bool translates6 =
      network.translates6() && engine::host_address6_on(context, network).has_value();
  const bool is_translated =
      std::ranges::any_of(context.host.uplinks, [](const auto& uplink) { return uplink.snat; });
  if (is_translated && network.snat) elements.add(kPrivateRanges, network.cidr);
  if (is_translated && translates6) elements.add(kPrivateRanges6, *network.cidr6);
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    if (!uplink.snat || !is_first_on_its_interface(context.host, uplink)) continue;
    const auto translate = [&](const auto& set, const std::optional<IpAddress>& source) {
      if (!source) return;
      elements.add(set, {network.bridge, uplink.interface}, {*source});
    };
    if (engine::translates_now(context, network))
      translate(kSnatSource, source_of(context, uplink));
    if (translates6) translate(kSnatSource6, source6_of(context, uplink));
  }
}

// --- floating IPs and port forwards

Error missing_uplink(const cloud::Host& host, const std::string& name) {
  if (host.uplinks.empty()) return {{}, 0, "this host has no uplink"};
  return {"uplink " + name, 0, "this host has none of that name"};
}

/// A port that this host translates for, and its network.
struct Served {
  const cloud::Port& port;
  const cloud::Network& network;
  /// Its guest is about to run here. What the host does to packets of the guest is prepared. What
  /// leads to it is not: neighbours of the guest's would reach it by this host, and be answered
  /// past it.
  bool is_expected = false;
};

/// None: bound to nothing, or to a port whose gateway is another host; or for a reason that goes to
/// the problems.
std::optional<Served> served(const Context& context, const std::string& name, Rows& out) {
  const auto port = context.cloud.ports.find(name);
  if (port == context.cloud.ports.end()) return std::nullopt;
  const cloud::Network& network = context.cloud.networks.find(port->second.network)->second;
  if (!engine::is_prepared_to_serve(context, network, port->second)) return std::nullopt;
  if (!host_address_on(context, network)) {
    out.problems.push_back({"network " + network.name, 0, "this host has no address on it"});
    return std::nullopt;
  }
  return Served{port->second, network, !engine::serves(context, network, port->second)};
}

template <class Limiters>
void compile_rate(const cloud::FloatingIp& ip, const Limiters& arrivals, const Limiters& departures,
                  Elements& elements) {
  const auto limit = [&](const auto& set, std::uint64_t rate) {
    if (rate == 0) return;
    elements.add(set, {ip.address}, {rate / 8, ip.rate.burst_at(rate)});
  };
  limit(arrivals, ip.rate.ingress);
  limit(departures, ip.rate.egress);
}

void compile_floating_ip6(const Context& context, const Object& object, const cloud::FloatingIp& ip,
                          const Served& bound, const cloud::Uplink& uplink, Rows& out) {
  const auto& [port, network, is_expected] = bound;
  if (!port.address6 || !engine::host_address6_on(context, network)) {
    out.problems.push_back({"network " + network.name, 0, "this host has no IPv6 address on it"});
    return;
  }
  Elements elements(object, out);
  compile_rate(ip, kArrivalLimits6, kDepartureLimits6, elements);
  if (!is_expected) elements.add(kFloating6ToFixed, {ip.address}, {*port.address6});
  elements.add(kFixedToFloating6, {*port.address6}, {ip.address});
  if (!is_expected) answer_for(context, ip.address, uplink, network.bridge, out);
}

void compile_floating_ip(const Context& context, const Object& object, const cloud::FloatingIp& ip,
                         Rows& out) {
  const auto bound = served(context, ip.port, out);
  if (!bound) return;
  const auto& [port, network, is_expected] = *bound;
  const cloud::Uplink* uplink = uplink_of(context, ip);
  if (!uplink) {
    out.problems.push_back(missing_uplink(context.host, ip.uplink));
    return;
  }
  if (!ip.address.is_v4()) {
    return compile_floating_ip6(context, object, ip, *bound, *uplink, out);
  }
  Elements elements(object, out);
  compile_rate(ip, kArrivalLimits, kDepartureLimits, elements);
  if (!is_expected) elements.add(kFloatingToFixed, {ip.address}, {port.address});
  elements.add(kFixedToFloating, {port.address}, {ip.address});
  const bool is_movable = ip.uplink == "any" && engine::switches_uplinks(context.host);
  const auto slot = engine::slot_of(context.host, *uplink);
  if (is_movable) {
    elements.add(kMovable, {ip.address});
  } else if (slot) {
    elements.add(kUplinkOf, {port.address}, {chain_of_uplink(*slot)});
  }
  if (!is_expected && engine::answers_on(context, network)) {
    answer_for(context, ip.address, *uplink, network.bridge, out);
  }
}

/// The other host of the document that has the address on an uplink, or null.
const cloud::Host* owner_elsewhere(const Context& context, const IpAddress& address) {
  for (const auto& [name, host] : context.cloud.hosts) {
    if (name == context.host.name) continue;
    for (const cloud::Uplink& uplink : host.uplinks) {
      if (uplink.source == address) return &host;
    }
  }
  return nullptr;
}

/// The host takes what is sent to the address: its own, or one that it answers for from now on.
bool compile_public_address(const Context& context, const cloud::PortForward& forward,
                            const cloud::Network& network, Rows& out) {
  if (is_own_address(context, forward.address)) return true;
  if (const cloud::Host* owner = owner_elsewhere(context, forward.address)) {
    out.problems.push_back(
        {forward.address.to_string(), 0,
         fmt::format("belongs to {}, where port {} is not", owner->name, forward.to_port)});
    return false;
  }
  if (context.host.uplinks.empty()) {
    out.problems.push_back(missing_uplink(context.host, {}));
    return false;
  }
  if (engine::answers_on(context, network)) {
    answer_for(context, forward.address, context.host.uplinks.front(), network.bridge, out);
  }
  return true;
}

void compile_port_forward(const Context& context, const Object& object,
                          const cloud::PortForward& forward, Rows& out) {
  const auto bound = served(context, forward.to_port, out);
  if (!bound || bound->is_expected ||
      !compile_public_address(context, forward, bound->network, out))
    return;
  Elements elements(object, out);
  const auto protocol = static_cast<std::uint8_t>(forward.protocol);
  const bool is_one_for_all = forward.to.first == forward.to.last;
  const bool is_own = is_own_address(context, forward.address);
  if (!is_own) elements.add(kForwardAddresses, {forward.address});
  for (int i = 0; i <= forward.port.last - forward.port.first; ++i) {
    const auto from = static_cast<std::uint16_t>(forward.port.first + i);
    const auto to = static_cast<std::uint16_t>(forward.to.first + (is_one_for_all ? 0 : i));
    elements.add(kPortForwards, {forward.address, protocol, from}, {bound->port.address, to});
    if (is_own) elements.add(kForwardServices, {forward.address, protocol, from});
  }
}

}  // namespace

void Nat::compile(const Context& context, const Object& object, Rows& out) const {
  const cloud::Cloud& cloud = context.cloud;
  switch (object.kind) {
    case ObjectKind::host:
      return compile_host(context, object, out);
    case ObjectKind::network:
      return compile_network(context, object, cloud.networks.find(object.name)->second, out);
    case ObjectKind::port:
      return;
    case ObjectKind::floating_ip:
      return compile_floating_ip(context, object,
                                 cloud.floating_ips.at(*IpAddress::parse(object.name)), out);
    case ObjectKind::port_forward:
      return compile_port_forward(context, object, cloud.port_forwards.find(object.name)->second,
                                  out);
  }
}

}  // namespace novaplane::nat
