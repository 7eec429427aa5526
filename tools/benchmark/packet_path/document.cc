#include "tools/benchmark/packet_path/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace novaplane::bench {
namespace {

constexpr unsigned kOtherPorts = 10'000, kPortsOfANetwork = 100;
constexpr const char *kNoDhcp = "dhcp: {enabled: false}",
                     *kRate = ", rate: {ingress: 100gbit, egress: 100gbit}";

/// The sections of a document.
struct Sections {
  std::string hosts = "hosts:\n", networks = "networks:\n", ports = "ports:\n",
              floating_ips = "floating_ips:\n";
};

void add_host(Sections& to, const DocumentShape& shape, unsigned number) {
  const bool tunnels = shape.also.vxlan || shape.carrier == Carrier::kVxlan;
  to.hosts += fmt::format(
      "  compute{0}: {{{1}uplinks: [{{name: wan, interface: eth0, gateway: 192.0.2.1, source: "
      "192.0.2.1{0}}}{2}]}}\n",
      number, tunnels ? fmt::format("tunnel_address: 172.16.0.{}, ", number) : "",
      shape.also.uplink ? ", {name: wan2, interface: eth4, gateway: 198.18.0.1}" : "");
}

void add_blue(Sections& to, const DocumentShape& shape) {
  std::string carrier;
  if (shape.carrier == Carrier::kVxlan) {
    carrier = ", segment: {vxlan: 5000}";
  } else if (shape.second_host || shape.behind_router) {
    carrier = ", interface: eth1";
    if (shape.carrier == Carrier::kVlan) carrier += ", segment: {vlan: 100}";
  }
  const std::string gateway =
      shape.behind_router
          ? fmt::format("{}, gateway_mode: hardware, host_address: {}", kRouter, kGateway.v4)
          : kGateway.v4;
  to.networks += fmt::format(
      "  blue: {{cidr: 10.0.0.0/24, gateway: {}{}{}, {}}}\n", gateway, carrier,
      shape.ipv6 ? fmt::format(", cidr6: '2001:db8:1::/64', gateway6: '{}'", kGateway.v6) : "",
      kNoDhcp);
}

void add_guest(Sections& to, const DocumentShape& shape, const char* name, unsigned host,
               const Addresses& fixed, const std::string& more = {}) {
  to.ports += fmt::format(
      "  {0}: {{network: blue, host: compute{1}, mac: '{2}', address: {3}, interface: tap-{0}{4}{5}"
      "}}\n",
      name, host, guest_mac(fixed), fixed.v4,
      shape.ipv6 ? fmt::format(", address6: '{}'", fixed.v6) : "", more);
}

/// One network and port of each feature that the document uses beyond blue.
void add_features(Sections& to, const DocumentShape& shape) {
  const auto add = [&](const char* name, unsigned number, const std::string& network,
                       const std::string& port = {}) {
    to.networks +=
        fmt::format("  {0}: {{cidr: 10.2.{1}.0/24, {2}, {3}}}\n", name, number, network, kNoDhcp);
    to.ports += fmt::format(
        "  of-{0}: {{network: {0}, host: compute1, mac: 'fa:16:3e:02:00:{1:02x}', address: "
        "10.2.{1}.11, interface: tap-{0}{2}}}\n",
        name, number, port);
  };
  if (shape.also.vxlan) add("tunnel", 1, "gateway: 10.2.1.1, segment: {vxlan: 5001}");
  if (shape.also.router) {
    add("lan", 2,
        "gateway: 10.2.2.254, gateway_mode: hardware, host_address: 10.2.2.2, interface: "
        "eth3");
  }
  if (shape.also.rates) add("slow", 3, "gateway: 10.2.3.1", kRate);
  if (shape.also.groups) add("filtered", 5, "gateway: 10.2.5.1", ", security_groups: [open]");
  if (shape.also.ipv6) {
    add("six", 4, "gateway: 10.2.4.1, cidr6: '2001:db8:4::/64', gateway6: '2001:db8:4::1'");
  }
}

void add_others(Sections& to, unsigned count) {
  const unsigned ports = std::min(count, kOtherPorts);
  for (unsigned i = 0; i < ports; i += kPortsOfANetwork) {
    to.networks += fmt::format("  other{0}: {{cidr: 10.1.{0}.0/24, gateway: 10.1.{0}.1, {1}}}\n",
                               i / kPortsOfANetwork, kNoDhcp);
  }
  for (unsigned i = 0; i < ports; ++i) {
    fmt::format_to(std::back_inserter(to.ports),
                   "  other{}: {{network: other{}, host: compute1, mac: 'fa:16:3e:01:{:02x}:"
                   "{:02x}', address: {}, interface: other{}}}\n",
                   i, i / kPortsOfANetwork, i >> 8, i & 255, other_fixed(i), i);
  }
  for (unsigned i = 0; i < count; ++i) {
    fmt::format_to(std::back_inserter(to.floating_ips), "  {}: {{port: other{}, announce: 0}}\n",
                   other_floating(i), i % kOtherPorts);
  }
}

/// What is measured passes; what else there is comes of each kind of rule.
std::string security_groups(const DocumentShape& shape) {
  if (!shape.groups && !shape.egress && !shape.also.groups) return {};
  std::string text = "security_groups:\n";
  text +=
      "  open: {ingress: [{protocol: tcp, ports: [22, 443]}, {protocol: tcp, ports: 1-65535, from: "
      "[0.0.0.0/1, 128.0.0.0/1]}, {protocol: udp}, {protocol: icmp, type: 8}, {protocol: tcp, "
      "ports: 5432, from_group: open}]}\n";
  text +=
      "  tight: {ingress: [{protocol: tcp}, {protocol: udp}, {protocol: icmp}], egress: "
      "[{protocol: tcp, ports: 1-65535, to: [0.0.0.0/1, 128.0.0.0/1]}, {protocol: udp}, {protocol: "
      "icmp}]}\n";
  return text;
}

std::string security_of(const DocumentShape& shape) {
  if (shape.unguarded) return ", port_security: false";
  if (shape.egress) return ", security_groups: [tight]";
  return shape.groups ? ", security_groups: [open]" : "";
}

}  // namespace

std::string guest_mac(const Addresses& fixed) {
  return "fa:16:3e:00:00:" + fixed.v4.substr(fixed.v4.rfind('.') + 1);
}

std::string other_fixed(unsigned i) {
  const unsigned port = i % kOtherPorts;
  return fmt::format("10.1.{}.{}", port / kPortsOfANetwork, port % kPortsOfANetwork + 2);
}

std::string other_floating(unsigned i) {
  return fmt::format("100.{}.{}.{}", 64 + (i >> 16), (i >> 8) & 255, i & 255);
}

std::string document(const DocumentShape& shape) {
  Sections to;
  add_host(to, shape, 1);
  add_blue(to, shape);
  const std::string rate = shape.rates ? kRate : "";
  const std::string security = security_of(shape);
  add_guest(to, shape, "a", 1, kFixedA, rate + security);
  add_guest(to, shape, "b", 1, kFixedB, security);
  to.floating_ips += fmt::format("  {}: {{port: a{}}}\n", kFloating.v4, rate);
  if (shape.ipv6) to.floating_ips += fmt::format("  '{}': {{port: a}}\n", kFloating.v6);
  if (shape.second_host) {
    add_host(to, shape, 2);
    add_guest(to, shape, "c", 2, kFixedC);
  }
  add_features(to, shape);
  add_others(to, shape.floating_ips - 1);
  return to.hosts + security_groups(shape) + to.networks + to.ports + to.floating_ips;
}

}  // namespace novaplane::bench
