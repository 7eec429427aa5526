#pragma once

#include <string>

#include "dataplane/store/store.h"

namespace novaplane::store {

/// Writes the snapshot, with its identity and its revision, into a new file that SqliteStore opens:
/// the back-up of a store that is no file. Fails where the file is there already.
Answer<void> write_database(const std::string& path, const Snapshot& snapshot);

}  // namespace novaplane::store
