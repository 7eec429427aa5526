#pragma once

#include "dataplane/engine/subsystem.h"

/// Routing tables, policy rules and marks of a host with several uplinks (engine/host/egress.h).
namespace novaplane::nat {

/// Of several uplinks on one interface the first has its way.
bool is_first_on_its_interface(const cloud::Host& host, const cloud::Uplink& uplink);

/// For the host: each uplink's own table, for flows that belong to it; one table for each distinct
/// uplink preference, for guests' new flows. Each ends in a rule that says that there is no other
/// way: nothing leaves by an uplink that is not meant to.
void compile_egress(const engine::Context&, const engine::Object& host, engine::Rows& out);

/// For a network: which uplink preference its guests take.
void compile_preference(const engine::Context&, const engine::Object&, const cloud::Network&,
                        engine::Rows& out);

}  // namespace novaplane::nat
