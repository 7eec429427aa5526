#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/engine/engine.h"
#include "dataplane/node/drops.h"
#include "dataplane/node/gateway_row.h"
#include "dataplane/node/uplink_rows.h"

/// What is, in the terms of the document, gathered from what the kernel tells by our marks: the
/// aliases of links and the comments of nf_tables elements name the objects. Plain values, for
/// `novaplane show` and the daemon's control socket alike.
namespace novaplane::node {

struct NetworkRow {
  std::string name, bridge;
  std::vector<Prefix> addresses;  ///< the host's own on the bridge
  std::uint32_t mtu = 0;
  std::size_t ports = 0;      ///< of guests, that are attached
  std::string underlay_port;  ///< the link that carries it between hosts; empty: none
  std::string segment;        ///< "flat", "vlan 101", "vxlan 5001"; empty: no underlay port
  std::string state;          ///< "up", "no carrier", "down"
  bool serves_dhcp = false;
  std::optional<pid_t> dnsmasq;  ///< none though serves_dhcp: it does not run
  std::string refused = {};      ///< why it goes on with an older configuration; empty: it does not
};

struct PortRow {
  std::string name, interface, network, bridge;
  std::optional<Mac> mac;  ///< of the guest, where DHCP or the document knows it
  std::optional<IpAddress> address, address6;
  std::string state;  ///< "up", "no carrier", "down", "detached", "absent"
  bool hairpin = false;
  std::vector<IpAddress> floating_ips;
};

/// What a port's guest may say and hear.
struct SecurityRow {
  std::string port, interface;
  bool port_security = false;
  bool limits_egress = false;
  std::vector<std::string> groups;  ///< none: not filtered
  Drops drops;                      ///< of which the kernel has to be asked
};

struct FloatingIpRow {
  IpAddress address, fixed;
  std::string port;       ///< empty: not known
  std::string answered;   ///< "local route", "proxy"; empty: nobody answers for it
  std::string interface;  ///< of the uplink; empty: not known
  std::string uplink;     ///< as the document calls it; empty: not known
};

struct PortForwardRow {
  struct Ports {
    std::uint16_t first = 0, last = 0;
    std::string to_string() const;  ///< "2222" or "3000-3002"
  };
  std::string name;
  IpAddress address, fixed;
  std::uint8_t protocol = 0;  ///< IPPROTO_*
  Ports ports, to;
  std::string port;  ///< of the document; empty: not known
};

struct UplinkRow {
  std::string name;  ///< as the document calls it; several of one interface: "wan, wan2"
  std::string interface;
  std::optional<UplinkHealth> health;  ///< none: nobody watches it
  std::optional<IpAddress> source;     ///< none: no SNAT
  std::string state;
  std::vector<std::string> networks;  ///< that are translated to the source
};

struct Show {
  std::vector<NetworkRow> networks;
  std::vector<PortRow> ports;
  std::vector<FloatingIpRow> floating_ips;
  std::vector<PortForwardRow> port_forwards;
  std::vector<UplinkRow> uplinks;
  std::vector<SecurityRow> security;
  std::vector<GatewayRow> gateways;   ///< routers outside of the hosts, and shared ones
  std::uint16_t metadata_port = 0;    ///< where guests' questions for it go; 0: nowhere
  std::vector<std::string> warnings;  ///< see self_check.h
};

/// From what was seen of the kernel; `wanted`: from what the document wants instead, as far as it
/// is known before it is there.
enum class Side : std::uint8_t { seen, wanted };
Show show(engine::Engine& engine, const std::string& run_dir, Side side = Side::seen);

/// The same without the warnings, for which the kernel has to be asked: see warnings.h.
Show show_rows(engine::Engine& engine, const std::string& run_dir, Side side = Side::seen);

/// Several uplinks of one interface have a row each.
void add_health(Show& show, std::vector<UplinkHealth> health);

}  // namespace novaplane::node
