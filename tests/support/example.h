#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/cloud/port_hosts.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/nft/rule.h"
#include "dataplane/nft/transaction.h"

namespace novaplane::test {

inline IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
inline Prefix prefix(std::string_view text) { return Prefix::parse(text).value(); }
inline Mac mac(std::string_view text) { return Mac::parse(text).value(); }

/// A small cloud to compile in unit tests: hosts compute1 (which is compiled for) and compute2,
/// wire eth1, uplink wan on eth0 with 198.51.100.11; network blue with a shared gateway and port
/// web1.
class Example {
 public:
  Example() {
    for (const std::string name : {"compute1", "compute2"}) {
      cloud::Host& host = cloud.hosts[name];
      host.name = name;
      host.vm_interface = "eth1";
      host.uplinks.resize(1);
      host.uplinks[0].name = "wan";
      host.uplinks[0].interface = "eth0";
    }
    link("eth0").source = ip("198.51.100.11");
    link("eth0").addresses = {prefix("198.51.100.11/24")};
    link("eth1").mac = mac("52:54:00:00:00:01");
    add_network("blue", "10.0.0.0/24").gateway = ip("10.0.0.1");
    add_port("web1", "blue", "10.0.0.11");
  }

  cloud::Host& host() { return cloud.hosts["compute1"]; }
  cloud::Uplink& uplink() { return host().uplinks[0]; }
  cloud::Network& network(const std::string& name = "blue") { return cloud.networks[name]; }
  cloud::Port& port(const std::string& name = "web1") { return cloud.ports[name]; }
  engine::LinkFacts& link(const std::string& name) { return facts.links[name]; }

  cloud::Network& add_network(const std::string& name, std::string_view cidr) {
    cloud::Network& network = cloud.networks[name];
    network.name = name;
    network.bridge = "br-" + name;
    network.cidr = prefix(cidr);
    return network;
  }
  cloud::Port& add_port(const std::string& name, const std::string& network,
                        std::string_view address, const std::string& host = "compute1") {
    cloud::Port& port = cloud.ports[name];
    port.name = name;
    port.network = network;
    port.host = host;
    port.address = ip(address);
    port.mac = mac("fa:16:3e:00:00:01");
    port.interface = "tap-" + name;
    return port;
  }
  cloud::FloatingIp& add_floating_ip(std::string_view address, const std::string& port) {
    cloud::FloatingIp& floating = cloud.floating_ips[ip(address)];
    floating.address = ip(address);
    floating.port = port;
    return floating;
  }

  template <class Use>
  void with_context(Use&& use) const {
    std::unordered_map<std::string, std::size_t> local_ports;
    engine::HostsOfNetworks hosts;
    engine::GroupLists lists;
    for (const auto& [name, port] : cloud.ports) {
      if (cloud::is_on_or_migrates_to(port, "compute1")) ++local_ports[port.network];
      cloud::for_each_host(port, [&](const std::string& host) { ++hosts[port.network][host]; });
      lists.add(cloud::groups_of(cloud, port));
    }
    use(engine::Context{cloud, cloud.hosts.at("compute1"), facts, local_ports, hosts, lists});
  }

  engine::Rows compile(const engine::Subsystem& subsystem, engine::ObjectKind kind,
                       const std::string& name) const {
    engine::Rows rows;
    with_context([&](const engine::Context& context) {
      subsystem.compile(context, {kind, name}, rows);
    });
    return rows;
  }

  cloud::Cloud cloud;
  engine::Facts facts;
};

/// "managed br-blue", "snat_source br-blue . eth0 : 198.51.100.11", "no_snat 10.0.0.0-10.0.0.255"
inline std::vector<std::string> elements_of(const engine::Rows& rows,
                                            const engine::Subsystem& subsystem) {
  const nft::Ruleset ruleset = subsystem.ruleset(engine::Marks());
  std::vector<std::string> texts;
  for (const auto& [key, element] : rows.elements) {
    const auto set = std::find_if(ruleset.sets.begin(), ruleset.sets.end(),
                                  [&](const nft::Set& s) { return s.name == key.set; });
    std::string text(key.set.name);
    const bool is_box = !key.key_end.empty() && set->key.size() > 1;
    text += " " + (is_box ? nft::to_text(*set, key, nullptr) : nft::to_text(set->key, key.key));
    if (!key.key_end.empty() && !is_box) text += "-" + nft::to_text(set->key, key.key_end);
    if (set->limits) {
      const nft::Limit limit = nft::limit_of(element.data);
      text += " limit " + std::to_string(limit.rate) + " burst " + std::to_string(limit.burst);
    } else if (!element.data.empty()) {
      text += " : " + nft::to_text(set->data, element.data);
    }
    std::erase(text, '"');
    texts.push_back(text);
  }
  return texts;
}

/// One of the tables that the subsystem brings, indented by two blanks.
inline std::string ruleset_text(const engine::Subsystem& subsystem, nft::Family family,
                                const engine::Marks& marks = engine::Marks()) {
  std::string text;
  for (const char c : nft::to_text(subsystem.ruleset(marks), family))
    text += c == '\t' ? "  " : std::string(1, c);
  return text;
}

inline std::vector<std::string> problems_of(const engine::Rows& rows) {
  std::vector<std::string> texts;
  for (const Error& problem : rows.problems) texts.push_back(problem.message());
  return texts;
}

}  // namespace novaplane::test
