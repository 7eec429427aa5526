#pragma once

#include <span>
#include <string>
#include <tl/expected.hpp>

#include "tools/cloud/kinds.h"
#include "tools/cloud/notation.h"

namespace novaplane::tools {

bool is_assignment(const std::string& word);  ///< "host=compute1"

/// What `KEY=VALUE...` says of an object, as a merge patch (RFC 7396); an error is a sentence.
///
///     mtu=1450                 a number, true or false as YAML reads it, else text
///     dhcp.lease=1h            a key in a map
///     security_groups=web,ssh  a list, where the document has one at that key
///     uplinks=[{name: wan, interface: eth0}]   YAML, or JSON
///     host=                    the key is removed
tl::expected<Json, std::string> patch_of(const Target&, std::span<const std::string> words);

}  // namespace novaplane::tools
