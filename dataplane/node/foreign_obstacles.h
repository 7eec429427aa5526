#pragma once

#include <string>
#include <vector>

#include "dataplane/nft/foreign_tables.h"
#include "dataplane/node/show.h"

/// What the firewalls of others keep from guests and from us: found and named, never touched.
namespace novaplane::node {

/// One sentence for each of the chains that loses packets which this host has to take, send or
/// forward. Pure.
std::vector<std::string> obstacles(const std::vector<nft::foreign::Chain>& chains,
                                   const Show& show);

}  // namespace novaplane::node
