#pragma once

#include <vector>

#include "dataplane/nft/ruleset.h"

/// Neighbour and router discovery carry link-layer addresses in their payload (RFC 4861): guests
/// see the shared gateway's MAC for the bridge's there too. A chain of table bridge for what the
/// host sends to its ports.
namespace novaplane::bridge {

constexpr std::string_view kDiscoveryToGuests = "discovery_to_guests";

std::vector<nft::Rule> discovery_rules();

}  // namespace novaplane::bridge
