#pragma once

#include "tests/netns/router_world.h"

namespace novaplane::netns {

/// A cloud of everything that a host keeps in its kernel. h1 is the host that is recorded.
class RecordedCloud {
 public:
  RecordedCloud() {
    fix_macs();
    prepare_ipv6();
    h1.ip_batch(
        "address add 198.18.5.1/24 brd + dev eth2\n"
        "route add 10.200.0.0/16 via 198.18.5.2 dev eth2\n"
        "neighbour add 198.18.5.99 lladdr 02:00:00:00:00:99 dev eth2 nud permanent\n");
    world.h2.ip("address add 198.18.5.2/24 dev eth2");
    eventually([&] { return h1.ip("-6 address show tentative").empty(); });
    describe();
  }

  /// Below tests/netns/recorded.
  static std::string folder(const std::string& version) { return RECORDED_FOLDER "/" + version; }

  World world{Shape{.second_uplink = true}};
  Host& h1 = world.h1;
  Document& document = world.document;
  OutsideRouter router{world};
  Vm &web1 = world.vm("web1", h1, "green", "10.1.0.11"),
     &app1 = world.vm("app1", h1, "tenant", "10.5.0.11"),
     &db1 = world.vm("db1", h1, "blue", "10.0.0.11"),
     &web2 = world.vm("web2", world.h2, "green", "10.1.0.12"),
     &job1 = world.vm("job1", h1, "tenant", "10.5.0.13"),
     &app2 = world.vm("app2", world.h2, "tenant", "10.5.0.12");

 private:
  /// Those of NICs are in rules and in the run directory.
  void fix_macs() {
    for (const Host* host : world.hosts())
      for (int nic = 0; nic < 4; ++nic)
        host->ip(fmt::format("link set eth{0} address 02:00:00:00:{1}:0{0}", nic, host->name()[1]));
    router.where().ip("link set lan0 address 02:00:00:00:fe:01");
    for (int nic : {0, 3})
      world.outside.ip(fmt::format("link set eth{0} address 02:00:00:00:ff:0{0}", nic));
  }

  void prepare_ipv6() {
    world.outside.ip_batch(
        "address add 2001:db8:ff::1/64 dev eth0 nodad\n"
        "route add 2001:db8:f::/64 dev eth0\n");
    for (const Host* host : world.hosts())
      host->ip_batch(
          fmt::format("address add 2001:db8:ff::1{}/64 dev eth0 nodad\n"
                      "route add default via 2001:db8:ff::1\n",
                      host->name()[1]));
  }

  void describe() {
    for (const Host* host : world.hosts())
      document.hosts[host->name()] = fmt::format(
          "vm_interface: eth1, metadata: 127.0.0.1:8775, tunnel_address: 192.0.2.1{}, allow: "
          "[tcp/22], uplinks: [{{name: wan, interface: eth0, gateway: 192.0.2.1}}, {{name: wan2, "
          "interface: eth3, gateway: 198.18.0.1}}]",
          host->name()[1]);
    document.networks["blue"] =
        "cidr: 10.0.0.0/24, gateway: 10.0.0.254, gateway_mode: hardware, host_address: 10.0.0.2, "
        "fallback: host";
    document.networks["green"] =
        "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, cidr6: '2001:db8:1::/64', "
        "gateway6: '2001:db8:1::1'";
    document.networks["tenant"] = "cidr: 10.5.0.0/24, gateway: 10.5.0.1, segment: {vxlan: 5001}";
    document.ports["web1"] += ", rate: {ingress: 100mbit, egress: 50mbit}";
    document.floating_ips["203.0.113.10"] = "port: web1, rate: {ingress: 200mbit}";
    document.floating_ips["203.0.113.12"] = "port: db1";
    document.floating_ips["203.0.113.13"] = "port: app1, uplink: any";
    document.floating_ips["203.0.114.10"] = "port: web1, uplink: wan2";
    document.floating_ips["2001:db8:f::10"] = "port: web1";
    document.port_forwards["ssh"] =
        "address: 192.0.2.11, protocol: tcp, port: 2222, to_port: web1, to: 22";
    document.no_snat = {"198.51.100.0/24"};
  }
};

}  // namespace novaplane::netns
