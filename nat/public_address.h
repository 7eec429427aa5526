#pragma once

#include <optional>

#include "dataplane/engine/subsystem.h"

/// Addresses of the world on this host's uplinks.
namespace novaplane::nat {

/// The address that the host itself has towards the uplink; none: not known (yet).
std::optional<IpAddress> source_of(const engine::Context&, const cloud::Uplink&);

/// Likewise its IPv6 address.
std::optional<IpAddress> source6_of(const engine::Context&, const cloud::Uplink&);

/// Some address of the document's or the links' that is the host's own already.
bool is_own_address(const engine::Context&, const IpAddress&);

/// The link has the address itself.
bool has_address(const engine::LinkFacts& link, const IpAddress& address);

/// The uplink that a floating IP's neighbours are on; null: the host has none of that name.
const cloud::Uplink* uplink_of(const engine::Context&, const cloud::FloatingIp&);

/// Makes the host answer for a public address on the uplink and take what is sent to it, on behalf
/// of somebody behind `bridge`.
void answer_for(const engine::Context&, const IpAddress&, const cloud::Uplink&,
                const std::string& bridge, engine::Rows& out);

/// What the kernel needs to answer for IPv6 addresses that are not its own: for the uplinks of a
/// host that routes any network's IPv6.
void compile_proxying6(const engine::Context&, engine::Rows& out);

/// The uplink's kernel would not answer ARP for an address that is not on the interface itself.
bool needs_proxy(const engine::Context&, const cloud::Uplink&);

}  // namespace novaplane::nat
