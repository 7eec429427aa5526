#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>

namespace novaplane::test {

/// A large valid document for one host, compute1, with an uplink wan on eth0: networks without
/// wire (10.x.y.0/24, up to 25,000 of them), ports spread evenly over them (up to 250 on each) and
/// floating IPs (100.64.0.0/10, up to 4 million) spread evenly over the ports. With a second
/// uplink, wan2 on eth3, every other floating IP is on that one.
struct LargeCloud {
  unsigned networks = 100, ports = 1000, floating_ips = 10000;
  bool second_uplink = false;

  static std::string network(unsigned i) { return fmt::format("net{}", i); }
  static std::string port(unsigned i) { return fmt::format("port{}", i); }
  static std::string interface(unsigned i) { return fmt::format("tap{}", i); }
  static std::string floating_ip(unsigned i) {
    return fmt::format("100.{}.{}.{}", 64 + (i >> 16), (i >> 8) & 255, i & 255);
  }
  /// The port's address; its network's gateway is .1.
  std::string address(unsigned port) const {
    const unsigned network = port % networks;
    return fmt::format("10.{}.{}.{}", network / 250, network % 250, port / networks + 2);
  }

  std::string document() const {
    std::string text = fmt::format(
        "hosts:\n  compute1: {{uplinks: [{{name: wan, interface: eth0, gateway: 192.0.2.1}}{}]}}\n",
        second_uplink ? ", {name: wan2, interface: eth3, gateway: 198.18.0.1}" : "");
    const auto out = std::back_inserter(text);
    text += "networks:\n";
    for (unsigned i = 0; i < networks; ++i) {
      fmt::format_to(out, "  {0}: {{cidr: 10.{1}.{2}.0/24, gateway: 10.{1}.{2}.1}}\n", network(i),
                     i / 250, i % 250);
    }
    text += "ports:\n";
    for (unsigned i = 0; i < ports; ++i) {
      fmt::format_to(out,
                     "  {}: {{network: {}, host: compute1, mac: 'fa:16:3e:{:02x}:{:02x}:{:02x}', "
                     "address: {}, interface: {}}}\n",
                     port(i), network(i % networks), i >> 16, (i >> 8) & 255, i & 255, address(i),
                     interface(i));
    }
    text += "floating_ips:\n";
    for (unsigned i = 0; i < floating_ips; ++i) {
      fmt::format_to(out, "  {}: {{port: {}, uplink: {}}}\n", floating_ip(i), port(i % ports),
                     second_uplink && i % 2 != 0 ? "wan2" : "wan");
    }
    return text;
  }
};

}  // namespace novaplane::test
