#include <algorithm>
#include <unordered_map>

#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

Path uplink_path(const Host& host, const Uplink& uplink, std::string key) {
  const auto index = &uplink - host.uplinks.data();
  return {"hosts", host.name, "uplinks", fmt::format("[{}]", index), std::move(key)};
}

/// NAT picks the source by the interface that a packet leaves by.
bool has_other_source(const Uplink& a, const Uplink& b) {
  return a.interface == b.interface &&
         (a.snat != b.snat || a.source != b.source || a.source6 != b.source6);
}

void validate_uplink(const Host& host, const Uplink& uplink, Findings& findings) {
  if (uplink.gateway && uplink.gateway == uplink.source) {
    findings.add(uplink_path(host, uplink, "source"), "duplicate-address",
                 fmt::format("{} is also the gateway of uplink {}", *uplink.source, uplink.name));
  }
  for (const Uplink* other = host.uplinks.data(); other != &uplink; ++other) {
    if (uplink.name.empty() || other->name.empty()) continue;  // not read
    if (other->name == uplink.name) {
      findings.add(uplink_path(host, uplink, "name"), "duplicate-name",
                   fmt::format("host {} has an uplink {} already", host.name, uplink.name));
    } else if (has_other_source(*other, uplink)) {
      findings.add(uplink_path(host, uplink, "interface"), "duplicate-interface",
                   fmt::format("{} is also the interface of uplink {}, which has another source",
                               uplink.interface, other->name));
    }
  }
}

void validate_gateway(const Cloud& cloud, const Path& path, const std::string& name,
                      const IpAddress& address, Findings& findings) {
  const Network* network = lookup(cloud.networks, name);
  if (!network) {
    return findings.add_at_key(path, "dangling", fmt::format("there is no network {}", name));
  }
  if (network->gateway_mode != GatewayMode::per_host) {
    return findings.add_at_key(path, "wrong-mode",
                               fmt::format("network {} has gateway_mode {}, not per-host", name,
                                           to_string(network->gateway_mode)));
  }
  if (!is_known(address)) return;
  const auto refusal =
      address.is_v4() ? misplaced(*network, address) : misplaced6(*network, address);
  if (refusal) {
    findings.add(path, refusal->kind, refusal->sentence);
  } else if (network->gateway == address || network->gateway6 == address) {
    findings.add(path, "duplicate-address",
                 fmt::format("{} is also the gateway of network {}", address, name));
  }
}

/// The host that has a value first; the later ones are wrong.
using Holders = std::unordered_map<std::string, std::string>;

void validate_alone(Holders& holders, const std::string& what, const Host& host, Path path,
                    const IpAddress& address, Findings& findings) {
  const auto [holder, is_first] = holders.try_emplace(what + address.to_string(), host.name);
  if (is_first) return;
  findings.add(std::move(path), "duplicate-address",
               fmt::format("{} is also that of host {}", address, holder->second));
}

/// `gateways` or `gateways6`.
void validate_gateways(const Cloud& cloud, const Host& host, const std::string& key,
                       const std::map<std::string, IpAddress>& gateways, Holders& holders,
                       Findings& findings) {
  for (const auto& [network, address] : gateways) {
    const Path path{"hosts", host.name, key, network};
    validate_gateway(cloud, path, network, address, findings);
    if (!is_known(address)) continue;
    validate_alone(holders, network + ' ', host, path, address, findings);
  }
}

/// A tunnel has two ends of one family, and any two hosts may be its ends.
void validate_tunnel(const Cloud& cloud, const Host& host, Findings& findings) {
  const IpAddress& address = *host.tunnel_address;
  const auto first = std::find_if(cloud.hosts.begin(), cloud.hosts.end(), [](const auto& entry) {
    return entry.second.tunnel_address.has_value();
  });
  const IpAddress& other = *first->second.tunnel_address;
  if (other.is_v4() == address.is_v4()) return;
  findings.add(
      {"hosts", host.name, "tunnel_address"}, "wrong-family",
      fmt::format("{} and {} of host {} are of two families", address, other, first->first));
}

/// The proxy may ask by IPv6; whom the kernel leads requests to must speak the guests' family.
void validate_metadata(const std::string& host, const Metadata& metadata, Findings& findings) {
  if (!metadata.headers && !metadata.address.address.is_v4()) {
    findings.add({"hosts", host, "metadata"}, "wrong-family",
                 "guests ask 169.254.169.254: an IPv4 address must answer, or headers: true");
  }
  if (!metadata.headers && !metadata.secret_file.empty()) {
    findings.add({"hosts", host, "metadata", "secret_file"}, "no-effect",
                 "signs what headers: true adds, which is not there");
  }
}

}  // namespace

void validate_hosts(const Cloud& cloud, Findings& findings) {
  Holders holders;
  for (const auto& [name, host] : cloud.hosts) {
    for (const Uplink& uplink : host.uplinks) validate_uplink(host, uplink, findings);
    if (host.tunnel_address) {
      validate_tunnel(cloud, host, findings);
      validate_alone(holders, "tunnel ", host, {"hosts", name, "tunnel_address"},
                     *host.tunnel_address, findings);
    }
    if (host.metadata) validate_metadata(name, *host.metadata, findings);
    validate_gateways(cloud, host, "gateways", host.gateways, holders, findings);
    validate_gateways(cloud, host, "gateways6", host.gateways6, holders, findings);
  }
}

}  // namespace novaplane::cloud
