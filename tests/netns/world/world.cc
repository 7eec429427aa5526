#include "tests/netns/world/world.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace novaplane::netns {
namespace fs = std::filesystem;
namespace {

/// Parts of every world, by the end of their namespace's name.
constexpr std::array kParts{"fabric", "outside", "h1", "h2"};

/// For a look at what a failed test left: NOVAPLANE_KEEP=1.
bool keep() { return std::getenv("NOVAPLANE_KEEP") != nullptr; }

std::vector<std::string> host_names(const Shape& shape) {
  std::vector<std::string> names{"h1", "h2"};
  if (shape.third_host) names.emplace_back("h3");
  return names;
}

std::string uplink_address(const std::string& host) { return "192.0.2.1" + host.substr(1); }

/// A switch without a life of its own.
std::string switch_lines(const std::string& name) {
  return fmt::format(
      "link add name {0} type bridge forward_delay 0 mcast_snooping 0\nlink set {0} up\n", name);
}

/// A NIC named `nic` in `part`, plugged into the switch `segment`.
std::string cable_lines(const std::string& prefix, const std::string& part,
                        const std::string& nic) {
  return fmt::format("link add name {2} netns {0}{1} type veth peer name {1}-{2} netns {0}fabric\n",
                     prefix, part, nic);
}

std::string socket_lines(const std::string& port, const std::string& segment) {
  return fmt::format("link set {} master {} up\n", port, segment);
}

}  // namespace

World::World(Shape shape)
    : shape_(shape),
      folder_("/tmp/" + prefix_ + "files"),
      file_(folder_ + "/cloud.yaml"),
      fabric(prefix_ + "fabric"),
      outside(prefix_ + "outside"),
      h1(*this, prefix_ + "h1", "h1", folder_ + "/h1"),
      h2(*this, prefix_ + "h2", "h2", folder_ + "/h2") {
  if (shape_.third_host) {
    h3_ = std::make_unique<Host>(*this, prefix_ + "h3", "h3", folder_ + "/h3");
  }
  fs::create_directories(folder_);
  wire_up();
  for (Host* host : hosts()) {
    apply_shape(*host);
    host->add_bystanders();
    host->bystanders_at_first_ = host->bystanders();
    const char* second =
        shape_.second_uplink ? ", {name: wan2, interface: eth3, gateway: 198.18.0.1}" : "";
    document.hosts[host->name()] = fmt::format(
        "vm_interface: eth1, metadata: 127.0.0.1:8775, uplinks: [{{name: wan, interface: eth0, "
        "gateway: 192.0.2.1}}{}]",
        second);
  }
}

World::~World() {
  if (keep()) {
    std::cerr << fmt::format("kept: namespaces {}*, files in {}\n", prefix_, folder_);
    return;
  }
  remove_namespaces(prefix_);
  std::error_code none;
  fs::remove_all(folder_, none);
}

std::vector<Host*> World::hosts() {
  std::vector<Host*> all{&h1, &h2};
  if (h3_) all.push_back(h3_.get());
  return all;
}

std::string World::make_namespaces(const Shape& shape) {
  static std::atomic<int> number = 0;
  if (number == 0) remove_orphans();
  const std::string prefix = fmt::format("np{}-{}-", getpid(), ++number);
  std::string lines;
  for (const auto* part : kParts) lines += fmt::format("netns add {}{}\n", prefix, part);
  if (shape.third_host) lines += fmt::format("netns add {}h3\n", prefix);
  ip_batch(lines);
  return prefix;
}

void World::wire_up() const {
  std::string cables = cable_lines(prefix_, "outside", "eth0");
  std::string switches = "link set lo up\n" + switch_lines("wan") + switch_lines("lan") +
                         switch_lines("lan2") + socket_lines("outside-eth0", "wan");
  const std::vector<std::string> names = host_names(shape_);
  for (const std::string& host : names)
    for (const auto& [nic, segment] :
         {std::pair{"eth0", "wan"}, {"eth1", "lan"}, {"eth2", "lan2"}}) {
      cables += cable_lines(prefix_, host, nic);
      switches += socket_lines(host + "-" + nic, segment);
    }
  std::string addresses =
      "link set lo up\nlink set eth0 up\naddress add 192.0.2.1/24 dev eth0\naddress add "
      "198.51.100.7/32 dev lo\n"
      "route add 203.0.113.0/24 dev eth0\n";
  if (shape_.second_uplink) {
    cables += cable_lines(prefix_, "outside", "eth3");
    switches += switch_lines("wan2") + socket_lines("outside-eth3", "wan2");
    addresses +=
        "link set eth3 up\naddress add 198.18.0.1/24 dev eth3\nroute add 203.0.114.0/24 dev eth3\n";
    for (const std::string& host : names) {
      cables += cable_lines(prefix_, host, "eth3");
      switches += socket_lines(host + "-eth3", "wan2");
    }
  }
  netns::ip_batch(cables);
  fabric.sysctl("net/ipv6/conf/default/disable_ipv6", "1");
  fabric.ip_batch(switches);
  outside.ip_batch(addresses);
  outside.sysctl("net/ipv4/ip_forward", "1");
  for (const Host* host : {&h1, &h2, static_cast<const Host*>(h3_.get())}) {
    if (!host) continue;
    std::string lines = fmt::format(
        "link set lo up\nlink set eth0 up\nlink set eth1 up\nlink set eth2 up\naddress add {}/24 "
        "brd + dev eth0\n"
        "route add default via 192.0.2.1\n",
        uplink_address(host->name()));
    if (shape_.second_uplink)
      lines += fmt::format("link set eth3 up\naddress add 198.18.0.1{}/24 brd + dev eth3\n",
                           host->name().substr(1));
    host->ip_batch(lines);
  }
}

void World::apply_shape(const Host& host) const {
  if (host.sysctl("net/bridge/bridge-nf-call-iptables").empty() && shape_.br_netfilter)
    throw std::runtime_error("this kernel has no br_netfilter (modprobe br_netfilter)");
  if (!host.sysctl("net/bridge/bridge-nf-call-iptables").empty())
    host.sysctl("net/bridge/bridge-nf-call-iptables", shape_.br_netfilter ? "1" : "0");
  host.sysctl("net/ipv4/conf/eth0/arp_ignore", std::to_string(shape_.arp_ignore));
  for (const auto* conf : {"all", "eth0"})
    host.sysctl(fmt::format("net/ipv4/conf/{}/rp_filter", conf), std::to_string(shape_.rp_filter));
}

Vm& World::vm(const std::string& name, Host& host, const std::string& network,
              const std::string& address) {
  const std::string id = prefix_ + "vm-" + name;
  netns::ip_batch("netns add " + id + "\n");
  Vm& vm = *vms_.emplace_back(std::make_unique<Vm>(*this, id, name, address));
  vm.plug_into(host);
  document.ports[name] = fmt::format("network: {}, host: {}, mac: {}, address: {}, interface: {}",
                                     network, host.name(), vm.mac(), address, vm.tap());
  return vm;
}

void World::write() const { replace_file(file_, document.text()); }

void World::up() {
  write();
  for (const Host* host : hosts()) {
    const auto outcome = host->up();
    EXPECT_TRUE(outcome.ok()) << "novaplane up on " << host->name() << ": " << outcome.text()
                              << document.text();
  }
}

void World::expect_converged() {
  for (const Host* host : hosts()) {
    if (!host->brought_up_) continue;
    const auto plan = host->plan();
    EXPECT_EQ(plan.status, 0) << "a second plan on " << host->name()
                              << " is not empty: " << plan.text();
  }
  expect_bystanders_untouched();
}

void World::expect_bystanders_untouched() {
  for (const Host* host : hosts())
    EXPECT_EQ(host->bystanders(), host->bystanders_at_first_) << "bystanders on " << host->name();
}

}  // namespace novaplane::netns
