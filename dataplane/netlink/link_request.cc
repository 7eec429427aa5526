#include <arpa/inet.h>
#include <linux/if.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <cerrno>

#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/request.h"

namespace novaplane::netlink {
namespace {

// The kernel's limits (IFALIASZ, IFNAMSIZ), without their closing zero.
constexpr std::size_t kLongestAlias = 255;
constexpr std::size_t kLongestName = 15;
/// Everything below, with the longest alias and name.
constexpr std::size_t kRoom = 640;

Request link_request(std::uint16_t type, std::uint16_t flags, const ifinfomsg& header) {
  Request request(type, flags, kRoom);
  put_header(request, header);
  return request;
}

/// Cut names and aliases would be those of another link, and never what is wanted.
void put_text(Request& request, int type, std::string_view text, std::size_t longest) {
  if (text.size() <= longest) return put(request, type, text);
  const char* what = type == IFLA_IFNAME ? "a link's name" : "a link's alias";
  request.refuse(ENAMETOOLONG, fmt::format("{} has at most {} bytes, \"{}\" has {}", what, longest,
                                           text, text.size()));
}

void put_name(Request& request, std::string_view name) {
  put_text(request, IFLA_IFNAME, name, kLongestName);
}

Request create_link(std::string_view name, const Mac& mac) {
  Request request = link_request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  put_name(request, name);
  put(request, IFLA_ADDRESS, mac);
  put(request, IFLA_GROUP, kOurGroup);
  return request;
}

void put_bridge(Request& request, std::optional<bool> stp, std::optional<std::uint32_t> delay,
                std::optional<bool> linklocal_learn) {
  const Nest info(request, IFLA_LINKINFO);
  put(request, IFLA_INFO_KIND, std::string_view("bridge"));
  const Nest data(request, IFLA_INFO_DATA);
  if (stp) put(request, IFLA_BR_STP_STATE, std::uint32_t{*stp});
  if (delay) put(request, IFLA_BR_FORWARD_DELAY, *delay);
  if (!linklocal_learn) return;
  constexpr std::uint32_t kOption = 1u << BR_BOOLOPT_NO_LL_LEARN;
  const br_boolopt_multi options{*linklocal_learn ? 0 : kOption, kOption};
  put(request, IFLA_BR_MULTI_BOOLOPT, &options, sizeof(options));
}

void put_port(Request& request, const std::optional<PortFlags>& flags,
              const std::optional<bool>& hairpin) {
  const Nest info(request, IFLA_LINKINFO);
  put(request, IFLA_INFO_SLAVE_KIND, std::string_view("bridge"));
  const Nest data(request, IFLA_INFO_SLAVE_DATA);
  if (hairpin) put(request, IFLA_BRPORT_MODE, std::uint8_t{*hairpin});
  if (!flags) return;
  put(request, IFLA_BRPORT_LEARNING, std::uint8_t{flags->learning});
  put(request, IFLA_BRPORT_UNICAST_FLOOD, std::uint8_t{flags->flood});
  put(request, IFLA_BRPORT_NEIGH_SUPPRESS, std::uint8_t{flags->neigh_suppress});
}

void put_local(Request& request, const IpAddress& local) {
  put(request, local.is_v4() ? IFLA_VXLAN_LOCAL : IFLA_VXLAN_LOCAL6, local);
}

void put_vxlan(Request& request, const LinkSettings& wanted) {
  const Nest info(request, IFLA_LINKINFO);
  put(request, IFLA_INFO_KIND, std::string_view("vxlan"));
  const Nest data(request, IFLA_INFO_DATA);
  if (wanted.local) put_local(request, *wanted.local);
  if (wanted.learning) put(request, IFLA_VXLAN_LEARNING, std::uint8_t{*wanted.learning});
}

/// What only links of some kind, or ports of a bridge, have: at most one of them.
void put_special(Request& request, const LinkSettings& wanted) {
  if (wanted.stp || wanted.forward_delay || wanted.linklocal_learn) {
    put_bridge(request, wanted.stp, wanted.forward_delay, wanted.linklocal_learn);
  }
  if (wanted.port_flags || wanted.hairpin) put_port(request, wanted.port_flags, wanted.hairpin);
  if (wanted.local || wanted.learning) put_vxlan(request, wanted);
}

/// Values of net.ipv4.conf.<link>, as net/ipv4/devinet.c, inet_set_link_af takes them.
void put_ipv4_values(Request& request, const LinkSettings& wanted) {
  const Nest families(request, IFLA_AF_SPEC);
  const Nest ipv4(request, AF_INET);
  const Nest values(request, IFLA_INET_CONF);
  const auto put_value = [&](int which, const std::optional<bool>& value) {
    if (value) put(request, which, std::uint32_t{*value});
  };
  put_value(IPV4_DEVCONF_FORWARDING, wanted.forwarding4);
  put_value(IPV4_DEVCONF_ROUTE_LOCALNET, wanted.route_localnet);
}

Request change_link(ifinfomsg header, std::string_view name, const LinkSettings& wanted) {
  if (wanted.up) {
    header.ifi_change = IFF_UP;
    header.ifi_flags = *wanted.up ? IFF_UP : 0;
  }
  // RTM_SETLINK would pass over what only the link's kind knows.
  Request request = link_request(RTM_NEWLINK, 0, header);
  if (!name.empty()) put_name(request, name);
  if (wanted.mac) put(request, IFLA_ADDRESS, *wanted.mac);
  if (wanted.mtu) put(request, IFLA_MTU, *wanted.mtu);
  if (wanted.master) put(request, IFLA_MASTER, *wanted.master);
  if (wanted.group) put(request, IFLA_GROUP, *wanted.group);
  if (wanted.alias) put_text(request, IFLA_IFALIAS, *wanted.alias, kLongestAlias);
  if (wanted.route_localnet || wanted.forwarding4) put_ipv4_values(request, wanted);
  put_special(request, wanted);
  return request;
}

}  // namespace

Request create_bridge(std::string_view name, const Mac& mac) {
  Request request = create_link(name, mac);
  put_bridge(request, false, 0, false);
  return request;
}

Request create_vlan(std::string_view name, const Mac& mac, int parent, std::uint16_t id) {
  Request request = create_link(name, mac);
  put(request, IFLA_LINK, parent);
  const Nest info(request, IFLA_LINKINFO);
  put(request, IFLA_INFO_KIND, std::string_view("vlan"));
  const Nest data(request, IFLA_INFO_DATA);
  put(request, IFLA_VLAN_ID, id);
  return request;
}

Request create_vxlan(std::string_view name, const Mac& mac, std::uint32_t vni,
                     const IpAddress& local, std::uint16_t udp_port) {
  Request request = create_link(name, mac);
  const Nest info(request, IFLA_LINKINFO);
  put(request, IFLA_INFO_KIND, std::string_view("vxlan"));
  const Nest data(request, IFLA_INFO_DATA);
  put(request, IFLA_VXLAN_ID, vni);
  put_local(request, local);
  put(request, IFLA_VXLAN_PORT, htons(udp_port));
  put(request, IFLA_VXLAN_LEARNING, std::uint8_t{0});
  return request;
}

Request set_link(int index, const LinkSettings& settings) {
  ifinfomsg header{};
  header.ifi_index = index;
  return change_link(header, {}, settings);
}

Request set_link(std::string_view name, const LinkSettings& settings) {
  return change_link(ifinfomsg{}, name, settings);
}

Request delete_link(int index) {
  ifinfomsg header{};
  header.ifi_index = index;
  return link_request(RTM_DELLINK, 0, header);
}

Request delete_link(std::string_view name) {
  Request request = link_request(RTM_DELLINK, 0, ifinfomsg{});
  put_name(request, name);
  return request;
}

Request delete_group(std::uint32_t group) {
  Request request = link_request(RTM_DELLINK, 0, ifinfomsg{});
  put(request, IFLA_GROUP, group);
  return request;
}

}  // namespace novaplane::netlink
