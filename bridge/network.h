#pragma once

#include "dataplane/engine/elements.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::bridge {

/// The rows of one network: its bridge, its underlay port, the host's address, its place in the
/// isolation.
void compile_network(const engine::Context&, const engine::Object&, const cloud::Network&,
                     engine::Rows& out);

/// What a VXLAN takes to the other hosts: its device, which is a port of the bridge, where its
/// broadcasts go, and the gateways of hosts that have their own.
void compile_tunnel(const engine::Context&, const engine::Object&, const cloud::Network&,
                    engine::Rows& out);

/// Where a port on another host is: behind its host's tunnel address. Rows of a network that is
/// here.
void compile_behind_tunnel(const engine::Context&, const cloud::Port&, const cloud::Network&,
                           engine::Rows& out);

/// Nothing of the host's is kept off the network's underlay port: guests of all hosts share what
/// there is.
bool has_open_underlay(const engine::Context&, const cloud::Network&);

/// A port of a bridge on a gateway host: the host keeps out of what is not sent to it.
void pass_by(const engine::Context&, const cloud::Network&, const std::string& port,
             engine::Elements&);

/// The underlay port's place in the isolation: nothing of the host's own addresses crosses it.
void isolate(const engine::Context&, const cloud::Network&, const std::string& underlay,
             engine::Elements&);

/// What the NIC carries for the host moves to its bridge, addresses of IPv6 too.
bool takes_over_ipv6(const engine::Context&, const cloud::Network&);

/// The host has an address in that range by the network's own NIC: guests and machines of the
/// operator's share the range.
bool shares_lan(const engine::Context&, const cloud::Network&, const Prefix& range);

/// The rows of one port: attached if it is a local one, a neighbour if it is behind the wire.
void compile_port(const engine::Context&, const engine::Object&, const cloud::Port&,
                  engine::Rows& out);

/// Of a network whose IPv6 the host routes: its addresses, their place in the isolation.
void compile_network6(const engine::Context&, const engine::Object&, const cloud::Network&,
                      engine::Rows& out);

/// Every host has the address that guests know the host by: their gateway, or the one beside it.
bool has_shared_address(const cloud::Network&);

/// On the wire nobody sees that every host has the router's addresses and serves DHCPv6.
void isolate6(const engine::Context&, const cloud::Network&, const std::string& underlay,
              engine::Elements&);

/// Of a port of such a network: what it is told of routers; or a neighbour behind the wire.
void compile_port6(const engine::Context&, const engine::Object&, const cloud::Port&,
                   const cloud::Network&, engine::Rows& out);

/// What IPv6 on such networks asks of the host itself. True: that it forwards.
bool compile_host6(const engine::Context&, engine::Rows& out);

/// The uplink that the link belongs to, or null: such a link is never taken for a bridge.
const cloud::Uplink* uplink_on(const cloud::Host&, std::string_view link);

}  // namespace novaplane::bridge
