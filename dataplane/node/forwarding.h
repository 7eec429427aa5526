#pragma once

#include <string>

#include "dataplane/engine/subsystem.h"
#include "dataplane/nft/values.h"

namespace novaplane::node {

/// The switch of one family, as a path below /proc/sys.
std::string_view forwarding_sysctl(bool ipv6);

/// Who switched forwarding on. The run directory tells what was found before the first change;
/// without a record, our nf_tables do (`holds_tables`, `is_in_transit`: the family stands in the
/// set `transit`); without those, what is on now was on before us. Nothing is kept in memory.
engine::ForwardedBy forwarding_of(const std::string& run_dir, bool ipv6, bool holds_tables,
                                  bool is_in_transit);

}  // namespace novaplane::node
