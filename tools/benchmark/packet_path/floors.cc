#include "tools/benchmark/packet_path/floors.h"

#include <fmt/format.h>

#include <unordered_set>
#include <vector>

#include "tools/benchmark/packet_path/document.h"

namespace novaplane::bench {
namespace {

/// Calls `act` with the floating and the fixed address of each.
template <class Act>
void each_floating_ip(unsigned count, Act&& act) {
  const unsigned others = count - 1;
  for (unsigned i = 0; i < others; ++i) {
    // Where rules are searched one after the other the measured one has the average place.
    if (i == others / 2) act(kFloating.v4, kFixedA.v4);
    act(other_floating(i), other_fixed(i));
  }
  if (others == 0) act(kFloating.v4, kFixedA.v4);
}

/// Two hash maps, and three chains that look up in them.
std::string bare_map(unsigned count) {
  std::string to_fixed, to_floating;
  std::unordered_set<std::string> leaves;  // a fixed address has one that it leaves with
  each_floating_ip(count, [&](const std::string& floating, const std::string& fixed) {
    to_fixed += fmt::format("{} : {}, ", floating, fixed);
    if (leaves.insert(fixed).second) to_floating += fmt::format("{} : {}, ", fixed, floating);
  });
  return fmt::format(R"(
table ip bare {{
  map to_fixed {{ type ipv4_addr : ipv4_addr; size 262144; elements = {{ {} }} }}
  map to_floating {{ type ipv4_addr : ipv4_addr; size 262144; elements = {{ {} }} }}
  chain prerouting {{ type nat hook prerouting priority dstnat;
    dnat to ip daddr map @to_fixed
  }}
  chain output {{ type nat hook output priority -100;
    dnat to ip daddr map @to_fixed
  }}
  chain postrouting {{ type nat hook postrouting priority srcnat;
    oifname "eth0" snat to ip saddr map @to_floating
    oifname "eth0" ip saddr 10.0.0.0/24 snat to {}
  }}
}}
)",
                     to_fixed, to_floating, kUplinkSource.v4);
}

std::string bare_map6() {
  return fmt::format(R"(
table ip6 bare {{
  map to_fixed {{ type ipv6_addr : ipv6_addr; elements = {{ {0} : {1} }} }}
  map to_floating {{ type ipv6_addr : ipv6_addr; elements = {{ {1} : {0} }} }}
  chain prerouting {{ type nat hook prerouting priority dstnat;
    dnat to ip6 daddr map @to_fixed
  }}
  chain output {{ type nat hook output priority -100;
    dnat to ip6 daddr map @to_fixed
  }}
  chain postrouting {{ type nat hook postrouting priority srcnat;
    oifname "eth0" snat to ip6 saddr map @to_floating
    oifname "eth0" ip6 saddr 2001:db8:1::/64 snat to {2}
  }}
}}
)",
                     kFloating.v6, kFixedA.v6, kUplinkSource.v6);
}

/// Of nova/network/linux_net.py, as iptables-nft puts it into nf_tables: its chains, and for each
/// floating IP one rule in each of three.
std::string nova_network(unsigned count) {
  std::string to_fixed, to_floating;
  each_floating_ip(count, [&](const std::string& floating, const std::string& fixed) {
    to_fixed += fmt::format("    ip daddr {} counter dnat to {}\n", floating, fixed);
    to_floating +=
        fmt::format("    oifname \"eth0\" ip saddr {} counter snat to {}\n", fixed, floating);
  });
  return fmt::format(R"(
table ip nat {{
  chain nova-network-PREROUTING {{
{0}  }}
  chain nova-network-OUTPUT {{
{0}  }}
  chain nova-network-POSTROUTING {{
    ip saddr 10.0.0.0/24 ip daddr 10.0.0.0/24 ct status & dnat == 0 counter accept
  }}
  chain nova-network-float-snat {{
{1}  }}
  chain nova-network-snat {{
    counter jump nova-network-float-snat
    oifname "eth0" ip saddr 10.0.0.0/24 counter snat to {2}
  }}
  chain nova-postrouting-bottom {{
    counter jump nova-network-snat
  }}
  chain PREROUTING {{ type nat hook prerouting priority dstnat;
    counter jump nova-network-PREROUTING
  }}
  chain OUTPUT {{ type nat hook output priority -100;
    counter jump nova-network-OUTPUT
  }}
  chain POSTROUTING {{ type nat hook postrouting priority srcnat;
    counter jump nova-network-POSTROUTING
    counter jump nova-postrouting-bottom
  }}
}}
)",
                     to_fixed, to_floating, kUplinkSource.v4);
}

/// The host answers for all of them.
std::string local_routes(unsigned count) {
  std::string lines;
  each_floating_ip(count, [&](const std::string& floating, const std::string&) {
    lines += fmt::format("route add local {}/32 dev lo table local\n", floating);
  });
  return lines;
}

/// Policy rules as two uplinks need them, for marks that no packet has: the kernel asks each of
/// them from then on, and looks into its tables of local and other routes one after the other
/// (net/ipv4/fib_frontend.c, fib_unmerge).
std::string policy_rules() {
  std::string lines;
  int priority = 27'902;
  for (const char* mark : {"0x1/0xf", "0x2/0xf", "0x10000000/0xf0000000"}) {
    lines += fmt::format("rule add priority {} fwmark {} lookup main suppress_prefixlength 0\n",
                         priority++, mark);
    lines += fmt::format("rule add priority {} fwmark {} lookup 28161\n", priority++, mark);
    lines += fmt::format("rule add priority {} fwmark {} unreachable\n", priority++, mark);
  }
  return lines;
}

/// The link that carries blue to the other host, made if need be; empty: none.
std::string make_carrier(const Netns& host, unsigned number, const DocumentShape& shape) {
  if (!shape.second_host) return {};
  switch (shape.carrier) {
    case Carrier::kFlat:
      return "eth1";
    case Carrier::kVlan:
      host.ip("link add link eth1 name eth1.100 type vlan id 100\n");
      return "eth1.100";
    case Carrier::kVxlan:
      host.ip(
          fmt::format("link add vx5000 type vxlan id 5000 dstport 4789 local 172.16.0.{} remote "
                      "172.16.0.{}\n",
                      number, 3 - number));
      return "vx5000";
  }
  return {};
}

void make_bridge(const Netns& host, unsigned number, const DocumentShape& shape) {
  std::string lines = "link add br-blue type bridge forward_delay 0\n";
  std::vector<std::string> ports{"tap-c"};
  if (number == 1) ports = {"tap-a", "tap-b"};
  if (const std::string carrier = make_carrier(host, number, shape); !carrier.empty()) {
    ports.push_back(carrier);
  }
  for (const std::string& port : ports)
    lines += fmt::format("link set {} master br-blue up\n", port);
  lines += "link set br-blue up\n";
  // One host has the gateway: nothing keeps two of them apart here.
  if (number == 1) lines += fmt::format("address add {}/24 dev br-blue\n", kGateway.v4);
  if (number == 1 && shape.ipv6) {
    lines += fmt::format("address add {}/64 dev br-blue nodad\n", kGateway.v6);
  }
  host.ip(lines);
}

}  // namespace

void program_floor(const Netns& host, unsigned number, const Configuration& configuration) {
  const DocumentShape& shape = configuration.shape;
  host.sysctl("net/ipv4/ip_forward", "1");
  if (shape.ipv6) host.sysctl("net/ipv6/conf/all/forwarding", "1");
  make_bridge(host, number, shape);
  if (number != 1) return;
  switch (configuration.program) {
    case Program::kConntrack:
      // A rule that asks for it switches it on; no packet meets this one.
      host.nft("table ip bare {\n chain unused {\n ct state new\n }\n}\n");
      break;
    case Program::kBareMap:
      if (shape.ipv6) {
        host.nft(bare_map6());
        break;
      }
      host.nft(bare_map(shape.floating_ips));
      host.ip(local_routes(shape.floating_ips));
      if (shape.also.uplink) host.ip(policy_rules());
      break;
    case Program::kNovaNetwork:
      host.nft(nova_network(shape.floating_ips));
      host.ip(local_routes(shape.floating_ips));
      break;
    default:
      break;
  }
}

}  // namespace novaplane::bench
