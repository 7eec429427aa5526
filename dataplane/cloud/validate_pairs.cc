#include <fmt/ranges.h>

#include <map>

#include "dataplane/cloud/rules.h"
#include "dataplane/cloud/vrrp_id.h"

/// Networks whose gateway is on one of two hosts: each of them has to be able to take the other's
/// place, with the addresses that go along.
namespace novaplane::cloud {
namespace {

/// What such a network cannot be.
void validate_network(const Network& network, Findings& findings) {
  const auto path = [&](std::string key) { return Path{"networks", network.name, std::move(key)}; };
  if (network.cidr6) {
    findings.add(path("cidr6"), "wrong-mode", "gateway_mode failover is for IPv4 only");
  }
  if (network.routed) {
    findings.add(path("routed"), "wrong-mode",
                 "with gateway_mode failover the hosts of other networks have no way to this one");
  }
}

/// Two different hosts, and for a host always the same two.
void validate_hosts_of(const Network& network, std::map<std::string, const Network*>& members,
                       Findings& findings) {
  const auto& hosts = network.gateway_hosts;
  const Path path{"networks", network.name, "gateway_hosts"};
  if (hosts.size() != 2) {
    return findings.add(path, "bad-value", "the gateway is on one of two hosts: name two");
  }
  for (const std::string& host : hosts) {
    const auto [other, is_free] = members.try_emplace(host, &network);
    if (is_free || other->second->gateway_hosts == hosts) continue;
    return findings.add(
        path, "other-pair",
        fmt::format(
            "host {} is in the pair [{}] of network {}: a host is in one pair, in one order", host,
            fmt::join(other->second->gateway_hosts, ", "), other->second->name));
  }
}

/// Each would take the other one's advertisements for a stranger's, and be active beside it.
void validate_id(const Cloud& cloud, const Host& host, const Network& network, Findings& findings) {
  const Host* first = lookup(cloud.hosts, network.gateway_hosts.front());
  if (!first || first->vrrp_id == host.vrrp_id) return;
  const Path path{"hosts", host.name, "vrrp_id"};
  if (!host.vrrp_id) {
    return findings.add_missing(
        path, fmt::format("is missing: gateway host {} has {}", first->name, *first->vrrp_id));
  }
  findings.add(path, "other-vrrp-id",
               fmt::format("{} is not that of gateway host {}", *host.vrrp_id, first->name));
}

void validate_uplink(const Cloud& cloud, const Host& host, const Network& network,
                     Findings& findings) {
  const auto path = [&](std::string key) {
    return Path{"hosts", host.name, "uplinks", "[0]", std::move(key)};
  };
  const Uplink& uplink = host.uplinks.front();
  if (!uplink.source) {
    return findings.add_missing(
        path("source"),
        fmt::format("is missing: the address that goes with the gateway of network {}, the same on "
                    "both gateway hosts and set up on neither",
                    network.name));
  }
  const Host* first = lookup(cloud.hosts, network.gateway_hosts.front());
  if (!first || first->uplinks.empty()) return;
  const auto& source = first->uplinks.front().source;
  if (source && source != uplink.source) {
    findings.add(path("source"), "other-source",
                 fmt::format("{} is not {}, the source of gateway host {}", *uplink.source, *source,
                             first->name));
  }
}

/// The wire of the guests is not where the two hosts see each other.
void validate_underlay(const Host& host, const Network& network, Findings& findings) {
  if (host.uplinks.empty()) return;
  const auto& nic = network.interface ? network.interface : host.vm_interface;
  if (std::holds_alternative<Vxlan>(network.segment) || nic != host.uplinks.front().interface) {
    return;
  }
  findings.add({"hosts", host.name, "uplinks", "[0]", "interface"}, "link-conflict",
               fmt::format("{} carries network {} too: a gateway host needs an uplink of its own",
                           *nic, network.name));
}

void validate_member(const Cloud& cloud, const Host& host, const Network& network,
                     Findings& findings) {
  if (!host.tunnel_address) {
    findings.add_missing(
        {"hosts", host.name, "tunnel_address"},
        fmt::format("is missing: the gateway hosts of network {} tell each other of flows by it",
                    network.name));
  }
  if (host.uplinks.size() != 1) {
    return findings.add({"hosts", host.name, "uplinks"}, "bad-value",
                        fmt::format("a gateway host of network {} has one uplink, where the other "
                                    "one has its own",
                                    network.name));
  }
  validate_id(cloud, host, network, findings);
  validate_uplink(cloud, host, network, findings);
}

using PairIds = std::map<std::pair<IpAddress, std::uint8_t>, const Network*>;

/// Two pairs with one next hop are on one wire: with one number each would be heard by the other.
void validate_number(const Cloud& cloud, const Network& network, PairIds& ids, Findings& findings) {
  const Host* host = lookup(cloud.hosts, network.gateway_hosts.front());
  if (network.gateway_hosts.size() != 2 || !host || host->uplinks.empty()) return;
  const auto& next_hop = host->uplinks.front().gateway;
  if (!next_hop) return;
  const auto id = vrrp_id(cloud, network.gateway_hosts);
  const auto [other, is_free] = ids.try_emplace({*next_hop, id}, &network);
  if (is_free || other->second->gateway_hosts == network.gateway_hosts) return;
  findings.add(
      {"networks", network.name, "gateway_hosts"}, "same-vrrp-id",
      fmt::format("the pair has VRRP id {}, as the pair [{}] of network {} at the same next "
                  "hop: give its hosts another one (vrrp_id)",
                  id, fmt::join(other->second->gateway_hosts, ", "), other->second->name));
}

}  // namespace

void validate_pairs(const Cloud& cloud, Findings& findings) {
  std::map<std::string, const Network*> members;
  PairIds ids;
  for (const Network* network : in_order(cloud.networks)) {
    if (network->gateway_mode != GatewayMode::failover || network->gateway_hosts.empty()) continue;
    validate_network(*network, findings);
    validate_hosts_of(*network, members, findings);
    validate_number(cloud, *network, ids, findings);
    for (const std::string& name : network->gateway_hosts) {
      if (const Host* host = lookup(cloud.hosts, name))
        validate_underlay(*host, *network, findings);
    }
  }
  for (const auto& [name, network] : members) {
    if (const Host* host = lookup(cloud.hosts, name)) {
      validate_member(cloud, *host, *network, findings);
    }
  }
}

}  // namespace novaplane::cloud
