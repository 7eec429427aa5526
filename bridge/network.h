#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::bridge {

/// The rows of one network: its bridge, its wire, the host's address, its place in the isolation.
void compile_network(const engine::Context&, const engine::Object&, const cloud::Network&,
                     engine::Rows& out);

/// The rows of one port: attached if it is a local one, a neighbour if it is behind the wire.
void compile_port(const engine::Context&, const engine::Object&, const cloud::Port&,
                  engine::Rows& out);

/// The uplink that the link belongs to, or null: such a link is never taken for a bridge.
const cloud::Uplink* uplink_on(const cloud::Host&, std::string_view link);

}  // namespace novaplane::bridge
