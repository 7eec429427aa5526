#pragma once

#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

/// Three hosts whose tunnels lead over their uplinks' wire, and three tenants: blue (VXLAN 5001),
/// green (5002) and red (5003).
class VxlanTest : public CloudTest {
 protected:
  explicit VxlanTest(Shape shape = {}) : CloudTest(with_three_hosts(shape)) {
    for (Host* host : world.hosts()) {
      document.hosts[host->name()] += ", tunnel_address: 192.0.2.1" + host->name().substr(1);
    }
    document.networks["blue"] = blue;
    document.networks["green"] = green + std::string(", dhcp: {enabled: false}");
    document.networks["red"] = red + std::string(", dhcp: {enabled: false}");
  }

  /// Green and red too: each dnsmasq takes one of the machine's few inotify instances.
  void serve_all() {
    document.networks["green"] = green;
    document.networks["red"] = red;
  }

  /// Blue on all hosts, green on the first two, red on the last two.
  void add_guests() {
    blue1 = &world.vm("blue1", h1, "blue", "10.0.0.11");
    blue2 = &world.vm("blue2", h2, "blue", "10.0.0.12");
    blue3 = &world.vm("blue3", h3, "blue", "10.0.0.13");
    green1 = &world.vm("green1", h1, "green", "10.1.0.11");
    green2 = &world.vm("green2", h2, "green", "10.1.0.12");
    red2 = &world.vm("red2", h2, "red", "10.2.0.12");
    red3 = &world.vm("red3", h3, "red", "10.2.0.13");
    guests = {blue1, blue2, blue3, green1, green2, red2, red3};
  }
  void bring_up() {
    world.up();
    for (Vm* vm : guests) vm->configure();
  }

  static constexpr const char* blue =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.1, segment: {vxlan: 5001}";
  static constexpr const char* green =
      "cidr: 10.1.0.0/24, gateway: 10.1.0.1, segment: {vxlan: 5002}";
  static constexpr const char* red = "cidr: 10.2.0.0/24, gateway: 10.2.0.1, segment: {vxlan: 5003}";
  Host& h3 = world.h3();
  Vm *blue1 = nullptr, *blue2 = nullptr, *blue3 = nullptr, *green1 = nullptr, *green2 = nullptr,
     *red2 = nullptr, *red3 = nullptr;
  std::vector<Vm*> guests;

 private:
  static Shape with_three_hosts(Shape shape) {
    shape.third_host = true;
    return shape;
  }
};

/// With bridged frames passing the hosts' IP rules (br_netfilter), or not.
class VxlanBothWaysTest : public VxlanTest, public testing::WithParamInterface<bool> {
 protected:
  VxlanBothWaysTest() : VxlanTest(Shape{.br_netfilter = GetParam()}) {}
};

// --- tcpdump's language for what is inside a tunnel (RFC 7348, section 5). On the wire's end the
// frame stands behind 8 bytes of UDP and 8 of VXLAN.

inline const std::string kTunnelled = "udp dst port 4789";

inline std::string in_vni(unsigned id) {
  return fmt::format("{} and udp[12:4] & 0xffffff00 = {}", kTunnelled, id << 8);
}
/// From this guest.
inline std::string sent_inside(const std::string& mac) {
  unsigned byte[6];
  sscanf(mac.c_str(), "%x:%x:%x:%x:%x:%x", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
         &byte[5]);
  return fmt::format("{} and udp[22:4] = {} and udp[26:2] = {}", kTunnelled,
                     byte[0] << 24 | byte[1] << 16 | byte[2] << 8 | byte[3],
                     byte[4] << 8 | byte[5]);
}
/// ARP about this address.
inline std::string arp_inside(const std::string& address) {
  unsigned byte[4];
  sscanf(address.c_str(), "%u.%u.%u.%u", &byte[0], &byte[1], &byte[2], &byte[3]);
  const unsigned value = byte[0] << 24 | byte[1] << 16 | byte[2] << 8 | byte[3];
  return fmt::format("{} and udp[28:2] = 0x0806 and (udp[44:4] = {} or udp[54:4] = {})", kTunnelled,
                     value, value);
}

inline std::string details(const Host& host, const std::string& link) {
  return host.ip("-d -o link show dev " + link);
}

/// `bridge fdb` of one device: its own entries, and those of its bridge about it.
inline std::string entries(const Host& host, const std::string& device) {
  return host.run({"bridge", "fdb", "show", "dev", device}).out;
}

}  // namespace novaplane::netns
