#pragma once

#include <string>
#include <vector>

#include "dataplane/node/show.h"

/// What of this host is not ours to change and stands in the way of guests all the same: found and
/// named, never touched.
namespace novaplane::node {

/// Sentences for the operator.
std::vector<std::string> self_check(const Show& show);

/// Pure part: ports that cannot reach their own floating IPs while br_netfilter is on, since the
/// kernel then sends the bridged frame back where it came from. Those that are not attached get
/// hairpin mode when they are.
std::string hairpin_warning(const std::vector<PortRow>& ports);

}  // namespace novaplane::node
