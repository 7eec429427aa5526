#pragma once

#include <string>

#include "dataplane/cloud/cloud.h"
#include "dataplane/nft/values.h"

/// The elements of an interface's uplinks carry what the document calls them: from there `show`
/// knows the names.
namespace novaplane::nat {

/// The comment, "uplink wan"; of several on one interface all, as far as a comment holds them.
std::string uplink_title(const cloud::Host& host, const std::string& interface);

/// "wan", or "wan, wan2"; empty: the element is not an uplink's.
std::string uplinks_called(const nft::Element& element);

}  // namespace novaplane::nat
