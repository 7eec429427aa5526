#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>

namespace novaplane::test {

/// A large valid document for one host, compute1, whose networks (10.x.y.0/24, without DHCP) are
/// VLANs of eth1 or VXLANs from 192.0.2.11 on, with ports on ten other hosts only.
struct UnderlayCloud {
  enum class Segment { vlan, vxlan };
  static constexpr unsigned kOtherHosts = 10, kFirstId = 90;

  Segment segment = Segment::vxlan;
  unsigned networks = 1000, remote_ports = 10'000;

  static std::string network(unsigned i) { return fmt::format("net{}", i); }
  static std::string bridge(unsigned i) { return "br-" + network(i); }
  static unsigned id(unsigned network) { return kFirstId + network; }
  std::string wire(unsigned network) const {
    return fmt::format(segment == Segment::vlan ? fmt::runtime("eth1.{}") : fmt::runtime("vx{}"),
                       id(network));
  }
  static std::string in_network(unsigned network, unsigned last) {
    return fmt::format("10.{}.{}.{}", network / 250, network % 250, last);
  }

  static std::string port(unsigned i) { return fmt::format("port{}", i); }
  static std::string mac(unsigned port) {
    return fmt::format("fa:16:3e:{:02x}:{:02x}:{:02x}", port >> 16, (port >> 8) & 255, port & 255);
  }
  unsigned network_of(unsigned port) const { return port % networks; }
  std::string address(unsigned port) const {
    return in_network(network_of(port), port / networks + 2);
  }
  unsigned host_of(unsigned port) const { return port / networks % kOtherHosts; }
  static std::string host(unsigned i) { return fmt::format("compute{}", i + 2); }
  static std::string tunnel_address(unsigned host) { return fmt::format("192.0.2.{}", host + 102); }

  std::string document() const {
    std::string text =
        "hosts:\n  compute1: {vm_interface: eth1, tunnel_address: 192.0.2.11, uplinks: "
        "[{name: wan, interface: eth0, gateway: 192.0.2.1}]}\n";
    const auto out = std::back_inserter(text);
    for (unsigned i = 0; i < kOtherHosts; ++i) {
      fmt::format_to(out, "  {}: {{tunnel_address: {}}}\n", host(i), tunnel_address(i));
    }
    text += "networks:\n";
    const char* kind = segment == Segment::vlan ? "vlan" : "vxlan";
    for (unsigned i = 0; i < networks; ++i) {
      fmt::format_to(out,
                     "  {}: {{cidr: {}/24, gateway: {}, segment: {{{}: {}}}, dhcp: {{enabled: "
                     "false}}}}\n",
                     network(i), in_network(i, 0), in_network(i, 1), kind, id(i));
    }
    if (remote_ports > 0) text += "ports:\n";
    for (unsigned i = 0; i < remote_ports; ++i) {
      fmt::format_to(out,
                     "  {}: {{network: {}, host: {}, mac: '{}', address: {}, interface: tap{}}}\n",
                     port(i), network(network_of(i)), host(host_of(i)), mac(i), address(i), i);
    }
    return text;
  }
};

}  // namespace novaplane::test
