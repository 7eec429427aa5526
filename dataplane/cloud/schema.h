#pragma once

#include "dataplane/cloud/reader.h"
#include "dataplane/cloud/writer.h"

namespace novaplane::cloud {

/// Reads the whole document into the reader's draft: the root of all tables of keys.
void read_document(const Value& value);
/// Reads what the document has beside its sections.
void read_ranges(const Value& value);

/// Writes the writer's cloud as read_document() reads it.
void write_document(const Pools& pools, Writer& writer);
/// Writes the keys of one object, as a map.
void write(const AnyObject& object, Writer& writer);

/// Tells of all keys: "hosts", "hosts.uplinks", "hosts.uplinks.probe", ...
void visit_schema(const KeyVisitor& visitor);

/// Fills in what follows from the rest: names of bridges, host names, DHCP off where there is no
/// address to serve from.
void complete(Draft& draft);
void complete(Cloud& cloud);
void complete(Network& network);
/// All but the routers of its network, see names_router().
void complete(const Cloud& cloud, Port& port);

/// What a guest calls itself without asking (SLAAC) is known without asking, too; none: its network
/// has no /64 that anybody routes.
std::optional<IpAddress> slaac_address_of(const Cloud& cloud, const Port& port);
/// Whether the port's gateway is another router than its network's.
bool names_router(const Network& network, const Port& port);

}  // namespace novaplane::cloud
