#pragma once

#include "tests/netns/guarded_world.h"
#include "tests/netns/refused.h"

namespace novaplane::netns {

/// Network blue with groups. On h1: web (10.0.0.10) serves all, db (.11) serves those of web, tight
/// (.13) sends little. On h2: far (.12), without groups.
class SecurityTest : public Ipv6Cloud {
 protected:
  SecurityTest() {
    document.security_groups["web"] =
        "ingress: [{protocol: tcp, ports: 80}, {protocol: icmp, type: 8}, {protocol: icmpv6, type: "
        "128}, {protocol: tcp, ports: 8000-8100, from: [192.0.2.0/24]}, {protocol: tcp, ports: "
        "8060, from: [10.0.0.0/16]}]";
    document.security_groups["db"] =
        "ingress: [{protocol: tcp, ports: 5432, from_group: web}, {protocol: udp, ports: 5432, "
        "from_group: web}, {protocol: tcp, ports: 80, from_group: tight}]";
    document.security_groups["tight"] =
        "ingress: [{protocol: tcp, ports: 8050}, {protocol: udp, ports: 5432}, {protocol: icmp, "
        "type: 8}, {protocol: icmpv6, type: 128}], egress: [{protocol: tcp, ports: [80, 8060], to: "
        "[203.0.113.0/24]}, {protocol: udp, ports: 53}, {protocol: tcp, ports: 80, to_group: db}]";
    document.floating_ips["203.0.113.10"] = "port: web";
    document.floating_ips["203.0.113.11"] = "port: db";
  }
  void up() {
    world.up();
    for (Vm* vm : {&web, &db, &tight, &far}) vm->configure();
  }
  void up6() {
    world.up();
    for (Vm* vm : {&web, &db, &tight, &far}) autoconfigure(*vm);
  }

  static bool pings_with(const Namespace& from, const std::string& address, int bytes) {
    return eventually([&] {
      return from
          .run({"ping", "-n", "-q", "-c", "1", "-W", "0.5", "-s", std::to_string(bytes), address})
          .ok();
    });
  }
  /// How many elements a set of the rules' own has.
  static std::size_t elements(const Host& host, const std::string& set) {
    const std::string text = host.nft_list("list set bridge novaplane " + set);
    std::size_t count = 0;
    for (std::size_t at = text.find("expires"); at != std::string::npos;
         at = text.find("expires", at + 1)) {
      ++count;
    }
    return count;
  }

  Vm& web = guest("web", h1, "blue", "10.0.0.10", "security_groups: [web]");
  Vm& db = guest("db", h1, "blue", "10.0.0.11", "security_groups: [db]");
  Vm& tight = guest("tight", h1, "blue", "10.0.0.13", "security_groups: [tight]");
  Vm& far = guest("far", h2, "blue", "10.0.0.12");
  static constexpr auto kWeb = "10.0.0.10", kDb = "10.0.0.11", kFar = "10.0.0.12",
                        kTight = "10.0.0.13", kWebOutside = "203.0.113.10",
                        kDbOutside = "203.0.113.11";
};

}  // namespace novaplane::netns
