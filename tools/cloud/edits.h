#pragma once

#include <string>

#include "tools/cloud/api.h"
#include "tools/cloud/targets.h"

/// Writes of one object, and what is told of them.
namespace novaplane::tools {

/// Sends the patch; tells what has become of it ("changed port web1 at revision 43").
int patch_object(const Options&, const Target&, const Json& patch);
int delete_object(const Options&, const Target&);

/// The name of what was created, in its Location: "/v1/floating_ips/203.0.113.10".
std::string name_in(const ControlResponse&);

}  // namespace novaplane::tools
