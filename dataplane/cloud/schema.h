#pragma once

#include "dataplane/cloud/reader.h"

namespace novaplane::cloud {

/// Reads the whole document into the reader's draft: the root of all tables of keys.
void read_document(const Value& value);

/// Fills in what follows from the rest: names of bridges, host names, DHCP off where there is no
/// address to serve from.
void complete(Draft& draft);

}  // namespace novaplane::cloud
