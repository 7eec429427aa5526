#pragma once

#include <vector>

#include "dataplane/nft/ruleset.h"

/// Who on a wire hears of routers and gateways by IPv6's own means (RFC 4861, RFC 8415), and what
/// guests hear: rules of table bridge, keyed by our own ports.
namespace novaplane::bridge {

/// What comes from the ports.
std::vector<nft::Rule> from_ports_discovery_rules();

/// What goes to them. Neighbour and router discovery carry link-layer addresses in their payload,
/// where guests see the shared gateway's MAC for the bridge's, too.
std::vector<nft::Rule> to_ports_discovery_rules();

}  // namespace novaplane::bridge
