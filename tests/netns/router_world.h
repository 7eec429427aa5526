#pragma once

#include "tests/netns/cloud_test.h"

namespace novaplane::netns {

/// A router outside of the hosts: 10.0.0.254 on the VMs' wire, 192.0.2.254 towards the world, to
/// which it translates. It knows nothing of floating IPs and metadata.
class OutsideRouter {
 public:
  explicit OutsideRouter(World& world, const std::string& name = "router",
                         const std::string& address = "10.0.0.254",
                         const std::string& world_address = "192.0.2.254")
      : fabric_(world.fabric), where_(make(world, name)), plug_(name + "-lan") {
    cable(world, name + "-lan", "lan0", "lan");
    cable(world, name + "-wan", "wan0", "wan");
    where_.ip_batch(
        fmt::format("address add {}/24 dev lan0\naddress add {}/24 dev wan0\n"
                    "link set lan0 up\nlink set wan0 up\nlink set lo up\n"
                    "route add default via 192.0.2.1\n",
                    address, world_address));
    where_.sysctl("net/ipv4/ip_forward", "1");
    where_.nft(
        "table ip r { chain p { type nat hook postrouting priority 100; oifname wan0 "
        "masquerade; }; }");
  }

  /// Its cable to the VMs is pulled: at once it does not answer any more, and hosts see no event.
  void die() const { fabric_.ip("link set " + plug_ + " nomaster"); }
  void return_to_life() const { fabric_.ip("link set " + plug_ + " master lan"); }
  void take_another_mac(const std::string& mac) const {
    where_.sysctl("net/ipv4/conf/lan0/arp_notify", "1");  // gratuitous ARP tells of it
    where_.ip("link set lan0 address " + mac);
  }
  std::string mac() const { return where_.mac("lan0"); }
  const Namespace& where() const { return where_; }

 private:
  static std::string make(World& world, const std::string& name) {
    const std::string id = world.h1.id().substr(0, world.h1.id().size() - 2) + name;
    ip_batch("netns add " + id + "\n");
    return id;
  }
  void cable(World& world, const std::string& end, const std::string& nic,
             const std::string& segment) const {
    ip_batch(fmt::format("link add name {} netns {} type veth peer name {} netns {}\n", nic,
                         where_.id(), end, world.fabric.id()));
    world.fabric.ip(fmt::format("link set {} master {} up", end, segment));
  }

  const Namespace& fabric_;
  Namespace where_;
  std::string plug_;
};

/// Two hosts with network blue behind a router outside, with br_netfilter on and off.
class RouterTest : public CloudTest, public testing::WithParamInterface<bool> {
 protected:
  RouterTest() : CloudTest(Shape{.br_netfilter = GetParam()}), router(world) {
    document.networks["blue"] = kBlue;
  }
  static constexpr auto kBlue =
      "cidr: 10.0.0.0/24, gateway: 10.0.0.254, gateway_mode: hardware, host_address: 10.0.0.2";

  OutsideRouter router;
};

}  // namespace novaplane::netns
