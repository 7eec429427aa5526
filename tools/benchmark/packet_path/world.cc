#include "tools/benchmark/packet_path/world.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "tools/benchmark/packet_path/floors.h"

namespace novaplane::bench {
namespace {

constexpr int kFirstPort = 7000;

/// A link of `host` that ends in `other`.
void cable(const Netns& host, const std::string& name, const Netns& other,
           const std::string& other_name, const std::string& other_mac = {}) {
  host.ip(fmt::format("link add name {0} type veth peer name {1} netns {2} {3}\nlink set {0} up\n",
                      name, other_name, other.path(),
                      other_mac.empty() ? "" : "address " + other_mac));
  other.ip(fmt::format("link set {} up\n", other_name));
}

void plug_in(const Netns& host, const std::string& tap, const Netns& guest, const Addresses& fixed,
             const DocumentShape& shape) {
  cable(host, tap, guest, "eth0", guest_mac(fixed));
  guest.ip(fmt::format("address add {}/24 dev eth0\nroute add default via {}\n", fixed.v4,
                       shape.behind_router ? kRouter : kGateway.v4));
  // What DHCP would tell: a tunnel's headers need room.
  if (shape.carrier == Carrier::kVxlan) guest.ip("link set eth0 mtu 1450\n");
}

}  // namespace

World::Folder::Folder() : path("/tmp/novaplane-bench-XXXXXX") {
  if (!::mkdtemp(path.data())) throw std::runtime_error("no folder in /tmp");
}

World::Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

World::World(const Configuration& configuration) : configuration_(configuration) {
  wire_up();
  program(compute1_, 1);
  if (configuration_.shape.second_host) program(compute2_, 2);
}

void World::wire_up() const {
  const DocumentShape& shape = configuration_.shape;
  if (shape.ipv6 || shape.also.ipv6) {
    for (const Netns* netns : {&world_, &compute1_, &compute2_, &a_, &b_, &c_}) {
      netns->sysctl("net/ipv6/conf/default/accept_dad", "0");
      netns->sysctl("net/ipv6/conf/default/disable_ipv6", "0");
      netns->sysctl("net/ipv6/conf/all/disable_ipv6", "0");
    }
  }
  cable(compute1_, "eth0", world_, "eth0");
  cable(compute2_, "eth0", world_, "far");
  cable(compute1_, "eth1", compute2_, "eth1");
  cable(compute1_, "eth2", compute2_, "eth2");
  cable(compute1_, "eth3", world_, "lan");
  cable(compute1_, "eth4", world_, "wan2");
  world_.ip(
      "address add 192.0.2.1/24 dev eth0\nroute add 203.0.113.0/24 dev eth0\n"
      "route add 10.0.0.0/8 via 192.0.2.11\naddress add 198.18.0.1/24 dev wan2\n"
      "address add 10.2.2.254/24 dev lan\n");
  compute1_.ip(
      "address add 192.0.2.11/24 dev eth0\nroute add default via 192.0.2.1\n"
      "address add 172.16.0.1/24 dev eth2\naddress add 198.18.0.11/24 dev eth4\n");
  compute2_.ip("address add 192.0.2.12/24 dev eth0\naddress add 172.16.0.2/24 dev eth2\n");
  if (shape.behind_router) compute2_.ip(fmt::format("address add {}/24 dev eth1\n", kRouter));
  plug_in(compute1_, "tap-a", a_, kFixedA, shape);
  plug_in(compute1_, "tap-b", b_, kFixedB, shape);
  plug_in(compute2_, "tap-c", c_, kFixedC, shape);
  if (shape.ipv6) wire_up_ipv6();
  for (const Netns* host : {&compute1_, &compute2_}) {
    for (const char* family : {"iptables", "ip6tables"}) {
      host->sysctl(fmt::format("net/bridge/bridge-nf-call-{}", family),
                   configuration_.br_netfilter ? "1" : "0");
    }
  }
}

void World::wire_up_ipv6() const {
  world_.ip(
      fmt::format("address add {}/64 dev eth0 nodad\nroute add 2001:db8:f::/64 via {}\n"
                  "route add 2001:db8:1::/64 via {}\n",
                  kWorld.v6, kUplinkSource.v6, kUplinkSource.v6));
  compute1_.ip(fmt::format("address add {}/64 dev eth0 nodad\nroute add default via {}\n",
                           kUplinkSource.v6, kWorld.v6));
  for (const auto& [guest, fixed] : {std::pair(&a_, &kFixedA), {&b_, &kFixedB}, {&c_, &kFixedC}}) {
    guest->ip(fmt::format("address add {}/64 dev eth0 nodad\nroute add default via {}\n", fixed->v6,
                          kGateway.v6));
  }
}

void World::program(const Netns& host, unsigned number) const {
  if (configuration_.program != Program::kNovaplane) {
    program_floor(host, number, configuration_);
    return;
  }
  const std::string file = folder_.path + "/cloud.yaml";
  std::ofstream(file) << document(configuration_.shape);
  host.run(fmt::format("{0}/tools/novaplane up {1} --host compute{2} --run-dir {3}/run{2}",
                       configuration_.binaries, file, number, folder_.path));
}

World::Path World::path(Traffic traffic) const {
  const bool translates =
      configuration_.program != Program::kPlain && configuration_.program != Program::kConntrack;
  const int port = kFirstPort + static_cast<int>(traffic);
  const bool ipv6 = configuration_.shape.ipv6;
  switch (traffic) {
    case Traffic::kToFloatingIp:
      return {world_, a_, (translates ? kFloating : kFixedA).of(ipv6), port};
    case Traffic::kFromFloatingIp:
      return {a_, world_, kWorld.of(ipv6), port};
    case Traffic::kSnat:
      return {b_, world_, kWorld.of(ipv6), port};
    case Traffic::kBridged:
      return {a_, b_, kFixedB.of(ipv6), port};
    case Traffic::kAcross:
      return {a_, c_, kFixedC.of(ipv6), port};
  }
  throw std::logic_error("unknown traffic");
}

void World::forget_flows() const {
  for (const Netns* host : {&compute1_, &compute2_}) {
    const Netns::Visit visit(*host);
    char buffer[MNL_NLMSG_HDRLEN + 16];
    nlmsghdr* const request = mnl_nlmsg_put_header(buffer);
    request->nlmsg_type = (NFNL_SUBSYS_CTNETLINK << 8) | IPCTNL_MSG_CT_DELETE;
    request->nlmsg_flags = NLM_F_REQUEST;
    static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)))->version =
        NFNETLINK_V0;
    // The kernel is through with it when the request was sent.
    mnl_socket* const socket = mnl_socket_open(NETLINK_NETFILTER);
    if (!socket) throw std::runtime_error("no netfilter socket");
    mnl_socket_sendto(socket, request, request->nlmsg_len);
    mnl_socket_close(socket);
  }
}

}  // namespace novaplane::bench
