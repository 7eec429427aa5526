#pragma once

#include <string_view>
#include <vector>

#include "dataplane/engine/host/marks.h"
#include "dataplane/nft/rule.h"

/// What passes the ports that carry a network between hosts, in table bridge: NICs, VLAN and VXLAN
/// devices. Each bears one of our link groups as long as it is a port, whatever somebody renames: a
/// guest's frame pays for one compare, and meets none of these rules.
namespace novaplane::bridge {

/// Where frames go that come in by such a port. They do not come back.
constexpr std::string_view kFromUnderlay = "from_underlay";
/// Where those go and come back from that go out by one, whoever sends them; and before, those that
/// the bridge passes from another port.
constexpr std::string_view kToUnderlay = "to_underlay", kPassedToUnderlay = "passed_to_underlay";

/// The port that a frame came in by (iifgroup), or goes out by (oifgroup), is one of these.
nft::RuleBuilder by_underlay(nft::Select group, nft::RuleBuilder&&);

std::vector<nft::Chain> underlay_chains();
std::vector<nft::Rule> underlay_rules(const engine::Marks&);

}  // namespace novaplane::bridge
