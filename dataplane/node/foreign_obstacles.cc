#include "dataplane/node/foreign_obstacles.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>

#include <algorithm>
#include <set>

namespace novaplane::node {
namespace {

using nft::foreign::Chain;
using nft::foreign::Packet;

constexpr std::uint32_t kNew = 1u << (IP_CT_NEW + 1), kEstablished = 1u << (IP_CT_ESTABLISHED + 1);
constexpr std::uint8_t kVrrp = 112;
constexpr std::size_t kMostBridges = 16;  // that are tried: a host may have hundreds

/// A packet that has to pass, and what does not work where it is lost.
struct Need {
  std::string what;
  std::string bridge;  ///< of guests; empty: between hosts
  Packet packet;
};

bool has_ipv6(const NetworkRow& network) {
  return std::ranges::any_of(network.addresses,
                             [](const Prefix& prefix) { return !prefix.address.is_v4(); });
}

/// By what it is asked, from the side of the one who asks.
struct Service {
  std::string_view what;
  std::uint8_t family, protocol;
  std::uint16_t from, port;
};
constexpr Service kPing{"ping of the gateway", NFPROTO_IPV4, IPPROTO_ICMP, 0, 0};
constexpr Service kOfDhcp[] = {{"DHCP (udp 67)", NFPROTO_IPV4, IPPROTO_UDP, 68, 67},
                               {"DNS (port 53)", NFPROTO_IPV4, IPPROTO_UDP, 0, 53}};
constexpr Service kOfDhcp6[] = {{"DHCPv6 (udp 547)", NFPROTO_IPV6, IPPROTO_UDP, 546, 547},
                                {"DNS (port 53)", NFPROTO_IPV6, IPPROTO_UDP, 0, 53}};
constexpr Service kDiscovery{"neighbour and router discovery (icmpv6)", NFPROTO_IPV6,
                             IPPROTO_ICMPV6, 0, 0};

/// `metadata_port`: of the server, behind the translation.
std::vector<Service> services_of(const NetworkRow& network, std::uint16_t metadata_port) {
  std::vector<Service> services;
  if (network.addresses.empty()) return services;
  if (metadata_port != 0) {
    services.push_back({"metadata", NFPROTO_IPV4, IPPROTO_TCP, 0, metadata_port});
  }
  services.push_back(kPing);
  if (network.serves_dhcp) services.insert(services.end(), std::begin(kOfDhcp), std::end(kOfDhcp));
  if (!has_ipv6(network)) return services;
  services.push_back(kDiscovery);
  if (network.serves_dhcp) {
    services.insert(services.end(), std::begin(kOfDhcp6), std::end(kOfDhcp6));
  }
  return services;
}

/// What guests ask their host.
void add_questions(const NetworkRow& network, std::uint16_t metadata_port,
                   std::vector<Need>& needs) {
  for (const Service& service : services_of(network, metadata_port)) {
    needs.push_back(
        {std::string(service.what),
         network.bridge,
         {service.family, network.bridge, {}, service.protocol, service.from, service.port, kNew}});
  }
}

/// And what it answers. DHCP's answers go by broadcast and are flows of their own.
void add_answers(const NetworkRow& network, std::uint16_t metadata_port, std::vector<Need>& needs) {
  for (const Service& service : services_of(network, metadata_port)) {
    const bool is_flow_of_its_own = service.from != 0 || service.protocol == IPPROTO_ICMPV6;
    needs.push_back({std::string(service.what),
                     network.bridge,
                     {service.family,
                      {},
                      network.bridge,
                      service.protocol,
                      service.port,
                      service.from,
                      is_flow_of_its_own ? kNew : kEstablished}});
  }
}

/// To the world and back.
void add_forwarded(const NetworkRow& network, std::vector<Need>& needs) {
  for (const std::uint8_t family : {NFPROTO_IPV4, NFPROTO_IPV6}) {
    if (family == NFPROTO_IPV6 && !has_ipv6(network)) continue;
    needs.push_back({"forwarded packets",
                     network.bridge,
                     {static_cast<std::uint8_t>(family), network.bridge, {}, 0, 0, 0, kNew}});
    needs.push_back(
        {"forwarded packets",
         network.bridge,
         {static_cast<std::uint8_t>(family), {}, network.bridge, 0, 0, 0, kEstablished}});
  }
}

void add_between_hosts(const Show& show, std::vector<Need>& needs) {
  const auto add = [&](std::string what, std::uint8_t protocol, std::uint16_t port) {
    needs.push_back({std::move(what), {}, {NFPROTO_IPV4, {}, {}, protocol, 0, port, kNew}});
  };
  if (std::ranges::any_of(show.networks, [](const NetworkRow& network) {
        return network.segment.starts_with("vxlan");
      })) {
    add("VXLAN (udp 4789)", IPPROTO_UDP, 4789);
  }
  if (std::ranges::any_of(show.gateways, &GatewayRow::is_shared)) {
    add("VRRP (protocol 112)", kVrrp, 0);
    add("conntrackd (udp 3780)", IPPROTO_UDP, 3780);
  }
}

bool is_any(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

/// A link of the host that carries something of ours.
bool is_ours(const Show& show, const std::string& link) {
  return std::ranges::any_of(show.networks,
                             [&](const NetworkRow& network) {
                               return network.bridge == link || network.underlay_port == link;
                             }) ||
         std::ranges::find(show.ports, link, &PortRow::interface) != show.ports.end() ||
         std::ranges::find(show.uplinks, link, &UplinkRow::interface) != show.uplinks.end();
}

/// What passes the chain's hook and must not be lost there.
std::vector<Need> needs_at(const Chain& chain, const Show& show) {
  std::vector<Need> needs;
  const std::string& hook = chain.hook->name;
  const auto count = std::min(show.networks.size(), kMostBridges);
  for (const NetworkRow& network : std::span(show.networks).first(count)) {
    const std::uint16_t metadata = show.metadata_port;
    if (is_any(hook, {"prerouting", "input"})) add_questions(network, metadata, needs);
    if (is_any(hook, {"output", "postrouting"})) add_answers(network, metadata, needs);
    if (is_any(hook, {"prerouting", "forward", "postrouting"})) add_forwarded(network, needs);
  }
  if (hook != "forward") add_between_hosts(show, needs);
  return needs;
}

/// Of tables whose packets are frames: what they lose is lost to all that we serve.
std::vector<Need> frames_at(const Chain& chain, const Show& show) {
  if (chain.family == "arp") {
    if (chain.hook->name == "forward") return {};
    return {{"ARP of gateways and floating IPs", {}, {}}};
  }
  if (chain.family == "bridge") {
    const bool is_to_host = is_any(chain.hook->name, {"input", "output"});
    return {{is_to_host ? "frames between guests and the host" : "bridged frames", {}, {}}};
  }
  for (const std::string& device : chain.hook->devices) {
    if (is_ours(show, device))
      return {{"all packets of " + device, {}, {0, device, {}, 0, 0, 0, 0}}};
  }
  return {};
}

bool concerns(const Chain& chain, const Packet& packet) {
  if (chain.family == "ip" || chain.family == "iptables-legacy") {
    return packet.family != NFPROTO_IPV6;
  }
  if (chain.family == "ip6" || chain.family == "ip6tables-legacy") {
    return packet.family == NFPROTO_IPV6;
  }
  return true;
}

/// For people who have the firewall that the table is of; link: one bridge, or empty.
std::string remedy(const std::vector<Chain>& chains, const Chain& chain, const std::string& link) {
  const std::string& hook = chain.hook->name;
  const bool is_ufw = std::ranges::any_of(chains, [&](const Chain& other) {
    return other.table == chain.table && other.family == chain.family &&
           other.name.starts_with("ufw");
  });
  if (link.empty()) return "its owner has to accept it";
  if (is_ufw && hook == "input") return fmt::format("`ufw allow in on {}`", link);
  if (is_ufw && hook == "forward") {
    return fmt::format("`ufw route allow in on {0}` and `ufw route allow out on {0}`", link);
  }
  if (chain.table == "firewalld") {
    return fmt::format("`firewall-cmd --permanent --zone=trusted --add-interface={}`", link);
  }
  const bool leaves = is_any(hook, {"output", "postrouting"});
  if (chain.family.ends_with("-legacy")) {
    return fmt::format("`{} -t {} -I {} -{} {} -j ACCEPT`", chain.family, chain.table, chain.name,
                       leaves ? 'o' : 'i', link);
  }
  return fmt::format("`nft insert rule {} {} {} {} {} accept`", chain.family, chain.table,
                     chain.name, leaves ? "oifname" : "iifname", link);
}

/// What the chain loses.
struct Losses {
  std::vector<std::string> what;  ///< each once
  std::set<std::string> bridges;
  std::string why;
};

Losses losses_of(const std::vector<Chain>& chains, const Chain& chain, const Show& show) {
  const bool is_of_frames = is_any(chain.family, {"arp", "bridge", "netdev"}) ||
                            is_any(chain.hook->name, {"ingress", "egress"});
  Losses losses;
  for (const Need& need : is_of_frames ? frames_at(chain, show) : needs_at(chain, show)) {
    if (!concerns(chain, need.packet)) continue;
    const std::string why = nft::foreign::loses(chains, chain, need.packet);
    if (why.empty()) continue;
    losses.why = why;
    if (!need.bridge.empty()) losses.bridges.insert(need.bridge);
    if (std::ranges::find(losses.what, need.what) == losses.what.end()) {
      losses.what.push_back(need.what);
    }
  }
  return losses;
}

std::string sentence(const std::vector<Chain>& chains, const Chain& chain, const Losses& losses) {
  const std::string where = chain.family.ends_with("-legacy")
                                ? fmt::format("{}, table {}", chain.family, chain.table)
                                : fmt::format("table {} {}", chain.family, chain.table);
  const std::string first = losses.bridges.empty() ? "" : *losses.bridges.begin();
  const std::string bridges =
      losses.bridges.empty() ? "" : fmt::format(" of {}", fmt::join(losses.bridges, ", "));
  return fmt::format(
      "{}, chain {} (hook {}, priority {}) drops {}{} that its rules do not accept ({}): guests "
      "are "
      "cut off from it unless a rule accepts it, for example by {}",
      where, chain.name, chain.hook->name, chain.hook->priority, fmt::join(losses.what, ", "),
      bridges, losses.why, remedy(chains, chain, first));
}

}  // namespace

std::vector<std::string> obstacles(const std::vector<Chain>& chains, const Show& show) {
  std::vector<std::string> sentences;
  for (const Chain& chain : chains) {
    if (!chain.hook) continue;
    const Losses losses = losses_of(chains, chain, show);
    if (!losses.what.empty()) sentences.push_back(sentence(chains, chain, losses));
  }
  return sentences;
}

}  // namespace novaplane::node
