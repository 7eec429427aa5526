#include "nat/public_address.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/engine/host/egress.h"
#include "dataplane/engine/host/presence.h"

namespace novaplane::nat {
namespace {

constexpr std::uint32_t kLocalTable = 255;  // RT_TABLE_LOCAL

Prefix alone(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.bits())};
}

}  // namespace

bool has_address(const engine::LinkFacts& link, const IpAddress& address) {
  return link.source == address ||
         std::any_of(link.addresses.begin(), link.addresses.end(),
                     [&](const Prefix& prefix) { return prefix.address == address; });
}

std::optional<IpAddress> source_of(const engine::Context& context, const cloud::Uplink& uplink) {
  if (uplink.source) return uplink.source;
  const engine::LinkFacts* link = context.facts.find(uplink.interface);
  return link ? link->source : std::nullopt;
}

std::optional<IpAddress> source6_of(const engine::Context& context, const cloud::Uplink& uplink) {
  if (uplink.source6) return uplink.source6;
  const engine::LinkFacts* link = context.facts.find(uplink.interface);
  return link ? link->source6 : std::nullopt;
}

bool is_own_address(const engine::Context& context, const IpAddress& address) {
  const auto& links = context.facts.links;
  const auto& uplinks = context.host.uplinks;
  return std::any_of(links.begin(), links.end(),
                     [&](const auto& entry) { return has_address(entry.second, address); }) ||
         std::any_of(uplinks.begin(), uplinks.end(),
                     [&](const cloud::Uplink& uplink) { return uplink.source == address; });
}

const cloud::Uplink* uplink_of(const engine::Context& context, const cloud::FloatingIp& ip) {
  const auto& uplinks = context.host.uplinks;
  const bool is_named = !ip.uplink.empty() && ip.uplink != "any";
  if (ip.uplink == "any" && engine::switches_uplinks(context.host)) {
    if (const auto* used = engine::first_in_use(context.host, context.facts)) return used;
  }
  const auto it = std::find_if(uplinks.begin(), uplinks.end(), [&](const cloud::Uplink& uplink) {
    return !is_named || uplink.name == ip.uplink;
  });
  return it != uplinks.end() ? &*it : nullptr;
}

bool needs_proxy(const engine::Context& context, const cloud::Uplink& uplink) {
  const engine::LinkFacts* link = context.facts.find(uplink.interface);
  return link && link->arp_ignore > 0;
}

void compile_proxying6(const engine::Context& context, engine::Rows& out) {
  const auto& networks = context.cloud.networks;
  const bool routes_any = std::any_of(networks.begin(), networks.end(), [&](const auto& entry) {
    const cloud::Network& network = entry.second;
    return engine::present_on(context, network) && engine::host_address6_on(context, network);
  });
  if (!routes_any) return;
  for (const cloud::Uplink& uplink : context.host.uplinks) {
    const std::string& link = uplink.interface;
    if (!context.facts.find(link)) continue;
    out.sysctls.push_back({fmt::format("net/ipv6/conf/{}/proxy_ndp", link), {"1"}});
    // Else the kernel answers for a proxied address up to 0.8 s late.
    out.sysctls.push_back({fmt::format("net/ipv6/neigh/{}/proxy_delay", link), {"0"}});
  }
}

/// The kernel never answers for an IPv6 address that only the local table knows.
void answer_for(const engine::Context& context, const IpAddress& address,
                const cloud::Uplink& uplink, const std::string& bridge, engine::Rows& out) {
  using engine::Route;
  const bool is_v4 = address.is_v4();
  const auto source = is_v4 ? source_of(context, uplink) : source6_of(context, uplink);
  if (is_v4 && !needs_proxy(context, uplink)) {
    out.routes.push_back(
        {{kLocalTable, alone(address)}, {Route::Type::local, "lo", std::nullopt, source}});
    return;
  }
  // The kernel answers for no address whose route leads to where it is asked for (arp_process).
  const bool is_same_link = is_v4 && uplink.interface == bridge;
  engine::RouteKey key;
  key.destination = alone(address);
  out.routes.push_back(
      {key, {Route::Type::unicast, is_same_link ? "lo" : bridge, std::nullopt, source}});
  constexpr bool kProxy = true;
  out.neighbours.push_back({{uplink.interface, address, kProxy}, {}});
}

}  // namespace novaplane::nat
