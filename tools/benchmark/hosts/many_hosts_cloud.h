#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string>

namespace novaplane::bench {

/// A large valid document for many hosts (host0, host1, ...), each with a network and up to 100
/// ports of its own.
struct ManyHostsCloud {
  unsigned ports = 100;

  unsigned ports_of_host() const { return std::clamp(ports / 3, 1U, 100U); }
  unsigned hosts() const { return (ports + ports_of_host() - 1) / ports_of_host(); }
  static std::string port(unsigned host, unsigned i) { return fmt::format("port{}-{}", host, i); }

  static std::string host_entries(unsigned hosts) {
    std::string text = "hosts:\n";
    for (unsigned i = 0; i < hosts; ++i) {
      fmt::format_to(
          std::back_inserter(text),
          "  host{}: {{uplinks: [{{name: wan, interface: eth0, gateway: 192.0.2.1}}]}}\n", i);
    }
    return text;
  }
  static std::string network_entries(unsigned networks) {
    std::string text = "networks:\n";
    for (unsigned i = 0; i < networks; ++i) {
      fmt::format_to(std::back_inserter(text),
                     "  net{0}: {{cidr: 10.{1}.{2}.0/24, gateway: 10.{1}.{2}.1}}\n", i, i / 250,
                     i % 250);
    }
    return text;
  }
  std::string document() const {
    std::string text = host_entries(hosts()) + network_entries(hosts()) + "ports:\n";
    for (unsigned i = 0; i < ports; ++i) {
      const unsigned host = i / ports_of_host(), number = i % ports_of_host();
      fmt::format_to(std::back_inserter(text),
                     "  {}: {{network: net{}, host: host{}, mac: 'fa:16:3e:{:02x}:{:02x}:{:02x}', "
                     "address: 10.{}.{}.{}, interface: tap{}}}\n",
                     port(host, number), host, host, i >> 16, (i >> 8) & 255, i & 255, host / 250,
                     host % 250, number + 2, i);
    }
    return text;
  }
};

}  // namespace novaplane::bench
