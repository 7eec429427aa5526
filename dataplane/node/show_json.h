#pragma once

#include <string>
#include <string_view>

#include "dataplane/node/show.h"

namespace novaplane::node {

/// What `novaplane show --json` prints and the daemon answers to GET /show: an object with
/// "networks", "ports", "floating_ips", "uplinks" and "warnings". `only`: one of the lists, by the
/// name that the command line has for it ("floating-ips"), beside the warnings.
std::string to_json(const Show& show, std::string_view only = {});
/// From what to_json() says of a whole show. An error: these are another version's words.
Result<Show> show_from_json(std::string_view text);

}  // namespace novaplane::node
