#include "hwgw/pair/gateway_pair.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <sstream>

#include "dataplane/cloud/vrrp_id.h"
#include "dataplane/engine/host/presence.h"
#include "dataplane/netlink/messages.h"
#include "hwgw/pair/conntrackd_name.h"

namespace novaplane::hwgw {

const engine::ServiceKey kKeepalived = "failover/keepalived", kConntrackd = "failover/conntrackd";

namespace {

using engine::Context;

/// A link as keepalived reads it: `!` and `~` mean something else outside of quotes. No name of a
/// link in the document has a quote, a backslash or a brace.
std::string quoted(const std::string& link) { return is_word(link) ? link : '"' + link + '"'; }
std::string unquoted(const std::string& word) {
  const bool is_quoted = word.size() >= 2 && word.front() == '"' && word.back() == '"';
  return is_quoted ? word.substr(1, word.size() - 2) : word;
}

/// The links that guests of the network come by.
std::optional<std::string> carrier_of(const Context& context, const cloud::Network& network) {
  if (!engine::vxlan_of(network)) return engine::nic_of(context, network);
  return context.facts.tunnel ? std::optional(context.facts.tunnel->link) : std::nullopt;
}

IpAddress tunnel_address_of(const Context& context, const std::string& host) {
  const auto found = context.cloud.hosts.find(host);
  if (found == context.cloud.hosts.end()) return {};
  return found->second.tunnel_address.value_or(IpAddress());
}

void join(const Context& context, const cloud::Network& network, PairMember& member) {
  for (const std::string& host : network.gateway_hosts) {
    if (host != context.host.name) member.sync_peer = tunnel_address_of(context, host);
  }
  member.hosts = network.gateway_hosts;
  member.gateways.push_back({{*network.gateway, network.cidr.length}, network.bridge});
}

/// The rules for documents see to it that a host is in one pair, with one uplink and its source.
std::optional<PairMember> member_of(const Context& context) {
  if (context.host.uplinks.empty() || !context.host.uplinks.front().source) return std::nullopt;
  const cloud::Uplink& uplink = context.host.uplinks.front();
  PairMember member{.hosts = {},
                    .host = context.host.name,
                    .uplink = uplink.interface,
                    .source = *uplink.source,
                    .gateways = {},
                    .underlay_ports = {},
                    .sync_link = context.facts.tunnel ? context.facts.tunnel->link : "",
                    .sync_address = tunnel_address_of(context, context.host.name),
                    .sync_peer = {}};
  std::set<std::string> underlay_ports;
  for (const auto& [name, network] : context.cloud.networks) {
    if (!engine::is_gateway_host(context, network)) continue;
    join(context, network, member);
    if (const auto carrier = carrier_of(context, network)) underlay_ports.insert(*carrier);
  }
  if (member.gateways.empty()) return std::nullopt;
  underlay_ports.erase(member.uplink);
  member.underlay_ports.assign(underlay_ports.begin(), underlay_ports.end());
  member.id = cloud::vrrp_id(context.cloud, member.hosts);
  return member;
}

}  // namespace

void GatewayPair::announce_again(const Context& context, const std::string& link,
                                 std::vector<engine::Announce>& out) const {
  for (const auto& [name, network] : context.cloud.networks) {
    if (network.bridge != link || !engine::is_gateway_host(context, network)) continue;
    if (engine::answers_on(context, network)) out.push_back({link, *network.gateway});
  }
}

void GatewayPair::compile(const Context& context, const engine::Object& object,
                          engine::Rows& out) const {
  if (object.kind != engine::ObjectKind::host) return;
  const auto member = member_of(context);
  if (!member) return;
  engine::Service keepalived{keepalived_text(*member), {}};
  for (const auto& gateway : member->gateways) keepalived.others.push_back(gateway.bridge);
  out.services.push_back({kKeepalived, std::move(keepalived)});
  if (member->sync_link.empty()) {
    out.problems.push_back(
        {fmt::format("{}'s tunnel_address {}", member->host, member->sync_address), 0,
         "no link has it, so the other gateway host is not told of flows"});
    return;
  }
  if (!is_name_to_conntrackd(member->sync_link)) {
    out.problems.push_back(
        {fmt::format("{}'s tunnel_address {}", member->host, member->sync_address), 0,
         fmt::format(
             "conntrackd reads no name such as '{}', the link that has it: rename the link, "
             "or the other gateway host is not told of flows",
             member->sync_link)});
    return;
  }
  out.services.push_back({kConntrackd, {conntrackd_text(*member), member->sync_link}});
}

/// One address is advertised, and never another: keepalived takes advertisements with other
/// addresses than its own for nobody's, and two hosts do not hear of a new network at once. The
/// one that is active stays so when the other comes back. A bridge that goes away with its network
/// is no reason to leave the others. The second round of gratuitous ARP is for neighbours that had
/// changed their mind less than a second ago and did not hear the first.
std::string keepalived_text(const PairMember& member) {
  constexpr unsigned kFirst = 150, kSecond = 100;
  const bool is_first = !member.hosts.empty() && member.hosts.front() == member.host;
  std::string text = fmt::format(
      "global_defs {{\n"
      "  router_id {}\n"
      "  vrrp_version 3\n"
      "  vrrp_garp_master_delay 1\n"
      "  vrrp_priority -20\n"
      "  dynamic_interfaces allow_if_changes\n"
      "}}\n"
      "vrrp_instance novaplane {{\n"
      "  state BACKUP\n"
      "  nopreempt\n"
      "  interface {}\n"
      "  virtual_router_id {}\n"
      "  priority {}\n"
      "  advert_int 0.1\n",
      member.host, quoted(member.uplink), member.id, is_first ? kFirst : kSecond);
  if (!member.underlay_ports.empty()) {
    text += "  track_interface {\n";
    for (const std::string& underlay : member.underlay_ports)
      text += fmt::format("    {}\n", quoted(underlay));
    text += "  }\n";
  }
  text += fmt::format("  virtual_ipaddress {{\n    {}/{} dev {}\n  }}\n", member.source,
                      member.source.bits(), quoted(member.uplink));
  text += "  virtual_ipaddress_excluded {\n";
  for (const PairMember::Gateway& gateway : member.gateways) {
    text += fmt::format("    {} brd {} dev {} scope {} no_track\n", gateway.address,
                        gateway.address.broadcast(), quoted(gateway.bridge), netlink::kPairScope);
  }
  return text + "  }\n}\n";
}

std::vector<PairMember::Gateway> gateways_in(std::string_view keepalived_text) {
  std::vector<PairMember::Gateway> gateways;
  std::istringstream lines{std::string(keepalived_text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, brd, broadcast, dev, bridge;
    if (!(words >> address >> brd >> broadcast >> dev >> bridge) || brd != "brd") continue;
    if (const auto prefix = Prefix::parse(address)) gateways.push_back({*prefix, unquoted(bridge)});
  }
  return gateways;
}

/// The other host's kernel has the flows at once, so that nothing is left to do when it becomes the
/// active one. What the two tell each other is no flow to tell of.
std::string conntrackd_text(const PairMember& member) {
  const std::string_view family = member.sync_address.is_v4() ? "IPv4" : "IPv6";
  return fmt::format(
      "Sync {{\n"
      "  Mode FTFW {{\n"
      "    DisableExternalCache yes\n"
      "    StartupResync yes\n"
      "  }}\n"
      "  UDP {{\n"
      "    {0}_address {1}\n"
      "    {0}_Destination_Address {2}\n"
      "    Port {5}\n"
      "    Interface {3}\n"
      "    Checksum on\n"
      "  }}\n"
      "}}\n"
      "General {{\n"
      "  HashSize 32768\n"
      "  HashLimit 1048576\n"
      "  LockFile {4}/conntrackd.lock\n"
      "  UNIX {{\n"
      "    Path {4}/conntrackd.ctl\n"
      "  }}\n"
      "  Syslog on\n"
      "  NetlinkBufferSize 2097152\n"
      "  NetlinkBufferSizeMaxGrowth 8388608\n"
      "  Filter From Kernelspace {{\n"
      "    Protocol Accept {{\n"
      "      TCP\n"
      "      UDP\n"
      "      ICMP\n"
      "    }}\n"
      "    Address Ignore {{\n"
      "      IPv4_address 127.0.0.1\n"
      "      IPv6_address ::1\n"
      "      {0}_address {1}\n"
      "      {0}_address {2}\n"
      "    }}\n"
      "  }}\n"
      "}}\n",
      family, member.sync_address, member.sync_peer, member.sync_link, kFolderMark,
      cloud::kFlowSyncPort);
}

}  // namespace novaplane::hwgw
