#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/store/sqlite_database.h"

/// The tables of a cloud in an SQLite database: of a store, of a host's replica, of a back-up.
namespace novaplane::store {

/// Before anything of it is touched. False: there is nothing yet. Fails (broken) where the database
/// is one of something else, or of a later version.
Answer<bool> has_tables(SqliteDatabase& database);
/// Those that are missing. Two programs that begin at once make one identity: the second one finds
/// the tables.
Answer<void> make_tables(SqliteDatabase& database, const std::string& identity);

Answer<std::string> read_identity(SqliteDatabase& database);
/// All of it is read in one transaction, which sees one state.
Answer<Snapshot> read_snapshot(SqliteDatabase& database);

/// They need a transaction around them.
Answer<void> put_objects(SqliteDatabase& database, const std::vector<Write>& writes,
                         std::int64_t revision);
Answer<void> put_change(SqliteDatabase& database, const Change& change, std::int64_t revision);
/// In the place of the changes before it, and without what it has written. None has made an empty
/// cloud.
Answer<void> put_last_change(SqliteDatabase& database, Change change);
/// In the place of all that is there, with its identity.
Answer<void> put_whole(SqliteDatabase& database, const Snapshot& snapshot);

}  // namespace novaplane::store
