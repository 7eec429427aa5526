#pragma once

#include "dataplane/base/address.h"
#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

/// Both families everywhere: network blue is 2001:db8:1::/64, the hosts' uplinks are
/// 2001:db8:ff::11 and ::12, the outside world 2001:db8:ff::1, and far behind it 2001:db8:fe::7.
/// 2001:db8:f::/64 is on the uplinks' link. Bridged frames pass the hosts' IP rules, or not.
class Ipv6Cloud : public BothWaysTest {
 protected:
  static constexpr auto kBlue = "2001:db8:1::/64", kGreen = "2001:db8:2::/64";

  Ipv6Cloud() {
    document.networks["blue"] += ", cidr6: 2001:db8:1::/64, gateway6: 2001:db8:1::1";
    outside.ip_batch(
        "address add 2001:db8:ff::1/64 dev eth0 nodad\naddress add 2001:db8:fe::7/128 dev lo "
        "nodad\nroute add 2001:db8:f::/64 dev eth0\n");
    outside.sysctl("net/ipv6/conf/all/forwarding", "1");
    for (Host* host : world.hosts()) {
      for (const std::string nic : {"eth0", "eth1", "eth2"}) {
        world.fabric.sysctl(without_ipv6(host->wire_end(nic)), "1");
        if (nic != "eth0") host->sysctl(without_ipv6(nic), "1");
      }
      host->sysctl("net/bridge/bridge-nf-call-ip6tables", GetParam() ? "1" : "0");
      host->ip_batch(fmt::format("address add {}/64 dev eth0 nodad\nroute add default via {}\n",
                                 uplink_of(*host), "2001:db8:ff::1"));
    }
  }

  /// Its own stack on a NIC below a bridge has nothing to say, but would speak on the wire.
  static std::string without_ipv6(const std::string& link) {
    return "net/ipv6/conf/" + link + "/disable_ipv6";
  }

  static std::string uplink_of(const Host& host) {
    return "2001:db8:ff::1" + host.name().substr(1);
  }

  /// A VM without IPv6 yet: its kernel would ask for routers before anybody answers.
  Vm& guest(const std::string& name, Host& host, const std::string& network,
            const std::string& address, const std::string& extra = {}) {
    Vm& vm = world.vm(name, host, network, address);
    if (!extra.empty()) document.ports[name] += ", " + extra;
    return vm;
  }

  /// What it gives itself by SLAAC: its MAC in the network's /64.
  static std::string slaac(const Vm& vm, const std::string& range = kBlue) {
    return slaac_address(*Prefix::parse(range), *Mac::parse(vm.mac())).to_string();
  }

  static std::string addresses(const Vm& vm) { return vm.ip("-6 -o address show dev eth0"); }

  /// Its kernel's IPv6 begins, with an address of the link, and asks for routers. Without DAD,
  /// which takes seconds.
  static void start(const Vm& vm, bool dad = false) {
    vm.sysctl("net/ipv6/conf/eth0/accept_dad", dad ? "1" : "0");
    vm.sysctl("net/ipv6/conf/eth0/router_solicitation_delay", "0");
    vm.sysctl("net/ipv6/conf/eth0/disable_ipv6", "0");
    EXPECT_TRUE(eventually([&] {
      const auto own = vm.ip("-6 -o address show dev eth0 scope link");
      return !own.empty() && own.find("tentative") == std::string::npos;
    }));
  }

  /// By SLAAC: it has its address and its router.
  static void autoconfigure(const Vm& vm, const std::string& range = kBlue) {
    start(vm);
    EXPECT_TRUE(eventually([&] {
      return addresses(vm).find(slaac(vm, range) + "/64") != std::string::npos;
    })) << vm.name()
        << ": " << addresses(vm);
  }

  static std::string default_route(const Namespace& where) {
    return where.ip("-6 route show default");
  }
};

}  // namespace novaplane::netns
