#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/cloud/cloud.h"
#include "dataplane/engine/subsystem.h"

/// Which part a host has in a network: questions that every subsystem asks alike.
namespace novaplane::engine {

/// The NIC that carries the network between hosts: the network's own, or the host's vm_interface.
/// None: the network has no underlay port here, or one that is a tunnel.
std::optional<std::string> nic_of(const Context&, const cloud::Network&);

/// The bridge's port to the other hosts: the NIC itself, by its name of today, the VLAN device on
/// it, or the VXLAN device.
std::optional<std::string> underlay_port_of(const Context&, const cloud::Network&);

/// The network's VXLAN; null: it is none.
const cloud::Vxlan* vxlan_of(const cloud::Network&);

/// A network is on every host that has an underlay port for it or a port on it; with `prune: true`
/// only where a port is, or where it has its gateway (failover).
bool present_on(const Context&, const cloud::Network&);

/// The host's own address on the network's bridge: the gateway (shared; failover, on both gateway
/// hosts), the host's own (per-host), the service address (hardware). None: the host does not route
/// or serve the network.
std::optional<IpAddress> host_address_on(const Context&, const cloud::Network&);

/// The network has its gateway on one of two hosts, and this is one of them.
bool is_gateway_host(const Context&, const cloud::Network&);

/// The host has its address on the network now, and answers for what is behind it. A standby does
/// not: it is prepared, and keepalived gives it the addresses when they are its own.
bool answers_on(const Context&, const cloud::Network&);

/// Where the port's guest runs, as far as this host knows. Empty: nowhere.
const std::string& host_of(const Context&, const cloud::Port&);

/// The port's guest runs here.
bool runs_here(const Context&, const cloud::Port&);

/// It runs here, or is about to: what concerns its link alone is there before it is. What leads to
/// the guest is not, while it runs elsewhere.
bool is_prepared(const Context&, const cloud::Port&);

/// The port's guest is served, and reaches the world, by this host: it runs here, or the network
/// has its gateway here for all hosts.
bool serves(const Context&, const cloud::Network&, const cloud::Port&);

/// Likewise, or as soon as it runs here.
bool is_prepared_to_serve(const Context&, const cloud::Network&, const cloud::Port&);

/// Likewise its own IPv6 address. None: IPv6 of the network is none of the host's business.
std::optional<IpAddress> host_address6_on(const Context&, const cloud::Network&);

/// The flat network that has the NIC as its underlay port here, and that this host routes; or null.
const cloud::Network* network_on(const Context&, std::string_view nic);

/// The link-local address that guests know as their IPv6 router, on every host.
extern const IpAddress kLinkLocalGateway;  ///< fe80::1

/// The router that guests are told by DHCP.
std::optional<IpAddress> router_of(const Context&, const cloud::Network&);

/// An outside router is the guests' gateway, and the host serves them beside it: it has an address
/// of its own on the bridge, the same on every host.
bool is_behind_router(const cloud::Network&);

/// Where the port's guest sends to, of a network behind outside routers: the port's own, or the
/// network's.
const IpAddress& router_of(const cloud::Network&, const cloud::Port&);

/// What is known of an outside router.
RouterFacts router_facts(const Context&, const IpAddress& router);

/// The network's routers that are dead while this host is their proxy.
std::vector<IpAddress> proxied_routers(const Context&, const cloud::Network&);

/// Whether what guests send to the world leaves with the uplink's address, now.
bool translates_now(const Context&, const cloud::Network&);

/// What a VXLAN takes of each packet, with the inner Ethernet header (RFC 7348, section 4): 50
/// bytes, 70 over IPv6.
std::uint32_t tunnel_overhead(const IpAddress& tunnel_address);

/// The document's MTU, or that of the NIC, or what the tunnel's link leaves; of one that is not
/// there 1500.
std::uint32_t mtu_of(const Context&, const cloud::Network&);

/// The MAC of the network's bridge on this host: its NIC's, pinned, so that a port with a lower
/// MAC never changes it; without a NIC one made from host and network.
Mac bridge_mac(const Context&, const cloud::Network&);

/// The MAC that a bridge without a NIC has on a host, which every other host knows.
Mac made_mac(const std::string& host, const cloud::Network&);

}  // namespace novaplane::engine
