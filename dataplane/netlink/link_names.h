#pragma once

#include <string>

#include "dataplane/base/error.h"

namespace novaplane::netlink {

/// Links by name and by number, in the calling thread's network namespace. ENODEV; ENXIO for a
/// number that no link has.
Result<int> index_of(const std::string& name);
Result<std::string> name_of(int index);

}  // namespace novaplane::netlink
