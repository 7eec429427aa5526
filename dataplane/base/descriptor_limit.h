#pragma once

#include <sys/types.h>

namespace novaplane {

/// Raises how many descriptors this process may have open to the most that it is allowed: one is
/// held for each program of ours, one for each uplink that is watched. The usual 1,024 are for
/// programs that use select(2); those that we start get them back.
void raise_descriptor_limit();
/// For a child that was started just now: the limit that we had at first.
void lower_descriptor_limit_of(pid_t child);

}  // namespace novaplane
