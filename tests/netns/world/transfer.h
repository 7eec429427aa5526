#pragma once

#include <string>

#include "tests/netns/world/eventually.h"
#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// What a TCP connection carries from one to the other, in Mbit/s of payload: `from` sends as fast
/// as it may to `address` of `to`, `warm_up` does not count. 0: no connection.
double goodput(const Namespace& from, const Namespace& to, const std::string& address,
               Duration warm_up = 1500ms, Duration measured = 3s);

/// The last of several measurements, the first one in the range if there is one: a busy machine
/// carries less than it may for a while, while a limit that is not there, or another one, is never
/// met.
double goodput_between(double low, double high, const Namespace& from, const Namespace& to,
                       const std::string& address, Duration warm_up = 1500ms,
                       Duration measured = 3s);

}  // namespace novaplane::netns
