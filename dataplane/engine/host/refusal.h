#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/nft/rule.h"

namespace novaplane::engine {

/// Why a frame of a port, or one for it, was dropped. The numbers stand in the kernel's counters
/// (the set drops): they never change their meaning.
enum class Refusal : std::uint32_t {
  frame_type = 1,       ///< neither IPv4, IPv6, ARP nor an own RARP
  address = 2,          ///< IPv4: not from its MAC and address
  arp = 3,              ///< in another's name, or malformed
  dhcp_server = 4,      ///< it answers DHCP or DHCPv6
  dhcp_client = 5,      ///< it asks DHCP for another MAC
  multicast_query = 6,  ///< it queries listeners: IGMP, MLD
  address6 = 7,         ///< IPv6: not from its MAC and address
  neighbour = 8,        ///< neighbour discovery in another's name, or malformed
  router = 9,           ///< router advertisements, redirects
  fragment = 10,        ///< a first fragment that does not show its transport header
  choices = 11,         ///< more IPv6 addresses of its own choice than allowed
  metadata = 12,        ///< it asks for metadata in another's name
  malformed = 13,       ///< IPv4: a header that is none, or longer than the frame
  egress = 20,          ///< no rule of its groups lets it send that
  new_flows = 21,       ///< it begins more flows a second than `new_flows`
  lost_start = 22,      ///< a later fragment of what was not let through
  ingress = 30,         ///< no rule of its groups lets it receive that
};

/// As an operator reads it: "ARP in another's name".
std::string_view to_string(Refusal);

/// Whose the frame is: the port that it came in by, or the one that it goes out by.
enum class Whose : std::uint8_t { sender, receiver };

/// Counts the frame for that reason, and drops it.
nft::Rule refuse(nft::RuleBuilder&&, Refusal, Whose = Whose::sender);

/// The chains where refused frames end.
nft::Ruleset refusal_ruleset();

}  // namespace novaplane::engine
