#include <set>
#include <unordered_map>

#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/port_hosts.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

Path path_of(const Port& port, std::string key) { return {"ports", port.name, std::move(key)}; }

void validate_address(const Cloud& cloud, const Network& network, const Port& port,
                      const IpAddress& address, std::string key, Findings& findings) {
  auto refusal = address.is_v4() ? misplaced(network, address) : misplaced6(network, address);
  if (refusal) return findings.add(path_of(port, std::move(key)), refusal->kind, refusal->sentence);
  if (const auto holder = holder_on(cloud, network, address)) {
    findings.add(path_of(port, std::move(key)), "reserved-address",
                 fmt::format("{} is {}", address, *holder));
  }
}

/// RFC 1035, 2.3.4: 255 octets, two of which are not seen in the text.
void validate_full_name(const Network& network, const Port& port, Findings& findings) {
  constexpr std::size_t kLongest = 253;
  const std::size_t length = port.hostname.size() + 1 + network.dhcp.domain.size();
  if (!network.dhcp.enabled || length <= kLongest) return;
  findings.add(path_of(port, "hostname"), "bad-name",
               fmt::format("the host name and the domain of network {} have {} characters, and a "
                           "DNS name has {} at most",
                           network.name, length, kLongest));
}

void validate_on_network(const Cloud& cloud, const Network& network, const Port& port,
                         Findings& findings) {
  if (is_known(port.address)) {
    validate_address(cloud, network, port, port.address, "address", findings);
  }
  if (port.address6) {
    validate_address(cloud, network, port, *port.address6, "address6", findings);
  }
  validate_full_name(network, port, findings);
  const bool is_shared = network.gateway_mode == GatewayMode::shared;
  const bool has_shared_mac = is_shared || network.host_address;
  if (has_shared_mac && port.mac == network.shared_mac()) {
    findings.add(path_of(port, "mac"), "duplicate-mac",
                 fmt::format("{} is the {} on network {}", port.mac,
                             is_shared ? "gateway's" : "host_address's", network.name));
  }
  if (!port.gateway) return;
  if (network.gateway_mode != GatewayMode::hardware) {
    findings.add(path_of(port, "gateway"), "wrong-mode",
                 "means something with gateway_mode hardware only");
  } else if (const auto refusal = misplaced(network, *port.gateway)) {
    findings.add(path_of(port, "gateway"), refusal->kind, refusal->sentence);
  } else if (*port.gateway == port.address) {
    findings.add(path_of(port, "gateway"), "duplicate-address",
                 fmt::format("{} is the port's own address", port.address));
  } else if (network.host_address == port.gateway) {
    findings.add(path_of(port, "gateway"), "reserved-address",
                 fmt::format("{} is the host_address of network {}", *port.gateway, network.name));
  }
}

/// What of the host has the link already, in words; empty: nothing.
std::string holder_of_link(const Host& host, const std::string& link) {
  if (host.vm_interface == link) return "vm_interface";
  for (const Uplink& uplink : host.uplinks) {
    if (uplink.interface == link) return "uplink " + uplink.name;
  }
  return {};
}

void validate_on_host(const Cloud& cloud, const Host& host, const Port& port, Findings& findings) {
  const Network* network = lookup(cloud.networks, port.network);
  if (port.interface.empty()) {
    return findings.add_missing(path_of(port, "interface"),
                                fmt::format("is missing: by what link is it on {}?", host.name));
  }
  if (const std::string holder = holder_of_link(host, port.interface); !holder.empty()) {
    findings.add(path_of(port, "interface"), "link-conflict",
                 fmt::format("{} is the {} of host {}", port.interface, holder, host.name));
  } else if (network && network->interface == port.interface) {
    findings.add(path_of(port, "interface"), "link-conflict",
                 fmt::format("{} is the interface of network {}", port.interface, network->name));
  }
}

/// What two ports cannot both have.
class Twins {
 public:
  Twins(const Cloud& cloud, Findings& findings) : cloud_(cloud), findings_(findings) {
    macs_.reserve(cloud.ports.size());
    places_.reserve(cloud.ports.size());
    links_.reserve(cloud.ports.size());
    names_.reserve(cloud.ports.size());
  }

  void add(const Port& port) {
    if (!port.mac.is_zero()) {
      claim(macs_, port.mac, port, "mac", "duplicate-mac", [&] { return port.mac.to_string(); });
    }
    const Network* network = lookup(cloud_.networks, port.network);
    if (network) add_on_network(*network, port);
    if (port.interface.empty()) return;
    for_each_host(port, [&](const std::string& host) {
      claim(links_, host + ' ' + port.interface, port, "interface", "duplicate-interface",
            [&] { return fmt::format("{} on host {}", port.interface, host); });
    });
  }

 private:
  struct At {
    const Network* network;
    IpAddress address;
    bool operator==(const At&) const = default;
  };
  struct HashAt {
    std::size_t operator()(const At& at) const { return hash_of(at.network, at.address); }
  };

  void add_on_network(const Network& network, const Port& port) {
    if (is_known(port.address)) {
      claim(places_, At{&network, port.address}, port, "address", "duplicate-address",
            [&] { return port.address.to_string(); });
    }
    if (port.address6) {
      claim(places_, At{&network, *port.address6}, port, "address6", "duplicate-address",
            [&] { return port.address6->to_string(); });
    }
    if (port.hostname.empty()) return;
    claim(names_, network.name + ' ' + in_lower_case(port.hostname), port, "hostname",
          "duplicate-hostname", [&] { return fmt::format("the host name {}", port.hostname); });
  }

  template <class Map, class What>
  void claim(Map& map, typename Map::key_type key, const Port& port, const char* member,
             const char* kind, What&& what) {
    const auto [first, is_free] = map.try_emplace(std::move(key), &port);
    if (is_free) return;
    tell_twin(port, member, kind, what(), *first->second, findings_);
  }

  const Cloud& cloud_;
  Findings& findings_;
  std::unordered_map<Mac, const Port*> macs_;
  std::unordered_map<At, const Port*, HashAt> places_;
  std::unordered_map<std::string, const Port*> links_, names_;
};

class BridgePorts {
 public:
  explicit BridgePorts(Findings& findings) : findings_(findings) {}

  void add(const Port& port) {
    for_each_host(port, [&](const std::string& host) {
      if (++ports_[host + ' ' + port.network] != kMostPortsOfBridge + 1) return;
      tell_bridge_full(port, host, findings_);
    });
  }

 private:
  Findings& findings_;
  std::unordered_map<std::string, std::size_t> ports_;  ///< by host and network
};

void validate_needs_of(const Port& port, const Network* network, const Host* host,
                       std::set<Path>& told, Findings& findings) {
  if (!network || !host) return;
  const auto tell = [&](Path path, std::string sentence) {
    if (told.insert(path).second) findings.add(std::move(path), "missing", std::move(sentence));
  };
  const bool is_per_host = network->gateway_mode == GatewayMode::per_host;
  if (is_per_host && !host->gateways.contains(network->name)) {
    tell({"hosts", host->name, "gateways", network->name},
         fmt::format("is missing: port {} needs its host's gateway on network {}", port.name,
                     network->name));
  }
  if (is_per_host && network->cidr6 && !host->gateways6.contains(network->name)) {
    tell({"hosts", host->name, "gateways6", network->name},
         fmt::format("is missing: port {} needs its host's IPv6 gateway on network {}", port.name,
                     network->name));
  }
  if (std::holds_alternative<Vxlan>(network->segment) && !host->tunnel_address) {
    tell({"hosts", host->name, "tunnel_address"},
         fmt::format("is missing: network {} of port {} is a vxlan", network->name, port.name));
  }
}

/// Its guest is on another host, which is there.
void validate_migration(const Cloud& cloud, const Port& port, Findings& findings) {
  const auto refuse = [&](const char* kind, std::string sentence) {
    findings.add(path_of(port, "migrating_to"), kind, std::move(sentence));
  };
  const std::string& target = *port.migrating_to;
  if (port.host.empty()) {
    return refuse("wrong-mode", "means something with a host that the port migrates from only");
  }
  if (target == port.host) return refuse("wrong-mode", fmt::format("is on {} already", target));
  if (const Host* host = lookup(cloud.hosts, target)) {
    validate_on_host(cloud, *host, port, findings);
  } else {
    refuse("dangling", fmt::format("there is no host {}", target));
  }
}

}  // namespace

std::string in_lower_case(std::string name) {
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return name;
}

void tell_twin(const Port& port, std::string key, std::string kind, const std::string& what,
               const Port& other, Findings& findings) {
  findings.add(path_of(port, std::move(key)), std::move(kind),
               fmt::format("{} is also that of port {}", what, other.name));
}

void tell_bridge_full(const Port& port, const std::string& host, Findings& findings) {
  findings.add(path_of(port, "network"), "bridge-full",
               fmt::format("network {} has more than {} ports on host {}: a bridge of Linux has "
                           "no room for them and the underlay",
                           port.network, kMostPortsOfBridge, host));
}

void validate_needs(const Cloud& cloud, const Port& port, std::set<Path>& told,
                    Findings& findings) {
  const Network* network = lookup(cloud.networks, port.network);
  for_each_host(port, [&](const std::string& host) {
    validate_needs_of(port, network, lookup(cloud.hosts, host), told, findings);
  });
}

void validate_port(const Cloud& cloud, const Port& port, Findings& findings) {
  if (port.rate.burst != 0) {
    validate_rate(port.rate, {"ports", port.name, "rate", "burst"}, findings);
  }
  const Network* network = lookup(cloud.networks, port.network);
  if (network) {
    validate_on_network(cloud, *network, port, findings);
  } else if (!port.network.empty()) {
    findings.add(path_of(port, "network"), "dangling",
                 fmt::format("there is no network {}", port.network));
  }
  validate_port_security(cloud, port, findings);
  if (port.hostname.empty()) {
    findings.add(path_of(port, "hostname"), "bad-name",
                 "no letter or digit is left for a host name");
  }
  if (port.migrating_to) validate_migration(cloud, port, findings);
  if (port.host.empty()) return;
  if (const Host* host = lookup(cloud.hosts, port.host)) {
    validate_on_host(cloud, *host, port, findings);
  } else {
    findings.add(path_of(port, "host"), "dangling", fmt::format("there is no host {}", port.host));
  }
}

void validate_ports(const Cloud& cloud, Findings& findings) {
  Twins twins(cloud, findings);
  std::set<Path> told;
  BridgePorts bridge_ports(findings);
  for (const Port* port : in_order(cloud.ports)) {
    validate_port(cloud, *port, findings);
    twins.add(*port);
    validate_needs(cloud, *port, told, findings);
    bridge_ports.add(*port);
  }
}

}  // namespace novaplane::cloud
