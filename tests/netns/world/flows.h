#pragma once

#include "tests/netns/world/world.h"

namespace novaplane::netns {

/// Other people's flows, none of which the kernel gives up for a new one, as many as it keeps: from
/// then on it knows no flow that is new there. `forget_flows` ends all of them, other ones too.
void fill_flows(const Host& host);
void forget_flows(const Host& host);

}  // namespace novaplane::netns
