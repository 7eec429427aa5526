#include "dataplane/store/sqlite_tables.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "dataplane/store/change_json.h"

namespace novaplane::store {
namespace {

/// The database, version 1. `changes` has a row for each commit; `objects` is what they made.
///   application_id: "np"; user_version: the version of these tables
constexpr std::int64_t kApplicationId = 0x6e70;
constexpr std::int64_t kSchema = 1;
constexpr const char* kTables = R"(
CREATE TABLE identity (value TEXT NOT NULL);
CREATE TABLE objects (
  kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, revision INTEGER NOT NULL,
  PRIMARY KEY (kind, name)) WITHOUT ROWID;
CREATE TABLE changes (
  revision INTEGER PRIMARY KEY, id TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL,
  format INTEGER NOT NULL, objects INTEGER NOT NULL, digest TEXT NOT NULL,
  freed TEXT NOT NULL, names TEXT NOT NULL, writes TEXT NOT NULL);
CREATE TABLE statuses (host TEXT PRIMARY KEY, value TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = 28272;
PRAGMA user_version = 1;
)";

/// Which those that know version 1 only leave alone.
constexpr const char* kLaterTables =
    "CREATE TABLE IF NOT EXISTS alive (host TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID";

tl::unexpected<Failure> broken(const SqliteDatabase& database, const std::string& words) {
  return tl::unexpected(Failure{Trouble::broken, fmt::format("{}: {}", database.path(), words)});
}

Answer<void> create(SqliteDatabase& database, const std::string& identity) {
  auto transaction = SqliteTransaction::begin(database, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  const auto tables = database.integer("SELECT count(*) FROM sqlite_master");
  if (!tables) return tl::unexpected(tables.error());
  if (*tables != 0) return {};
  return database.execute(kTables)
      .and_then([&] {
        SqliteStatement put = database.prepare("INSERT INTO identity (value) VALUES (?1)");
        return put.bind(1, identity).run();
      })
      .and_then([&] { return transaction->commit(); });
}

Answer<void> read_last_change(SqliteDatabase& database, Snapshot& snapshot) {
  SqliteStatement last = database.prepare(
      "SELECT revision, id, format, objects, digest FROM changes ORDER BY revision DESC LIMIT 1");
  const auto row = last.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return {};
  snapshot.revision = static_cast<Revision>(last.integer(0));
  snapshot.change = last.text(1);
  snapshot.format = static_cast<std::uint32_t>(last.integer(2));
  snapshot.objects = static_cast<std::size_t>(last.integer(3));
  snapshot.digest = parse_digest(last.text(4));
  return {};
}

Answer<void> read_objects(SqliteDatabase& database, Snapshot& snapshot) {
  SqliteStatement objects =
      database.prepare("SELECT kind, name, value, revision FROM objects ORDER BY kind, name");
  for (;;) {
    const auto row = objects.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return {};
    snapshot.records.push_back({{objects.text(0), objects.text(1)},
                                objects.text(2),
                                static_cast<Revision>(objects.integer(3))});
  }
}

std::vector<Write> without_values(std::vector<Write> writes) {
  for (Write& write : writes) {
    if (write.value) write.value->clear();
  }
  return writes;
}

Change last_change_of(const Snapshot& snapshot) {
  Change change;
  change.revision = snapshot.revision;
  change.id = snapshot.change;
  change.format = snapshot.format;
  change.objects = snapshot.objects;
  change.digest = snapshot.digest;
  return change;
}

Answer<void> put_identity(SqliteDatabase& database, const std::string& identity) {
  SqliteStatement put = database.prepare("UPDATE identity SET value = ?1");
  return put.bind(1, identity).run();
}

Answer<void> put_records(SqliteDatabase& database, const std::vector<Record>& records) {
  SqliteStatement put =
      database.prepare("INSERT INTO objects (kind, name, value, revision) VALUES (?1, ?2, ?3, ?4)");
  for (const auto& [key, value, revision] : records) {
    put.bind(1, key.kind).bind(2, key.name).bind(3, value);
    const auto done = put.bind(4, static_cast<std::int64_t>(revision)).run();
    if (!done) return done;
  }
  return {};
}

}  // namespace

Answer<bool> has_tables(SqliteDatabase& database) {
  const auto tables = database.integer("SELECT count(*) FROM sqlite_master");
  if (!tables) return tl::unexpected(tables.error());
  if (*tables == 0) return false;
  const auto application = database.integer("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  if (*application != kApplicationId) return broken(database, "is a database of something else");
  const auto schema = database.integer("PRAGMA user_version");
  if (!schema) return tl::unexpected(schema.error());
  if (*schema == kSchema) return true;
  return broken(database, fmt::format("has tables of version {}, and this program knows {}",
                                      *schema, kSchema));
}

/// What is there already is looked at without a lock for writing: others may be busy with it.
Answer<void> make_tables(SqliteDatabase& database, const std::string& identity) {
  return has_tables(database)
      .and_then([&](bool is_made) { return is_made ? Answer<void>() : create(database, identity); })
      .and_then([&] { return database.execute(kLaterTables); });
}

Answer<std::string> read_identity(SqliteDatabase& database) {
  SqliteStatement statement = database.prepare("SELECT value FROM identity");
  const auto row = statement.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return broken(database, "has no identity");
  return statement.text(0);
}

Answer<Snapshot> read_snapshot(SqliteDatabase& database) {
  auto transaction = SqliteTransaction::begin(database, SqliteTransaction::Kind::reading);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  auto identity = read_identity(database);
  if (!identity) return tl::unexpected(std::move(identity.error()));
  Snapshot snapshot;
  snapshot.identity = std::move(*identity);
  return read_last_change(database, snapshot)
      .and_then([&] { return read_objects(database, snapshot); })
      .map([&] { return std::move(snapshot); });
}

Answer<void> put_objects(SqliteDatabase& database, const std::vector<Write>& writes,
                         std::int64_t revision) {
  SqliteStatement put = database.prepare(
      "INSERT INTO objects (kind, name, value, revision) VALUES (?1, ?2, ?3, ?4) "
      "ON CONFLICT DO UPDATE SET value = ?3, revision = ?4");
  SqliteStatement remove = database.prepare("DELETE FROM objects WHERE kind = ?1 AND name = ?2");
  for (const auto& [key, value] : writes) {
    SqliteStatement& statement = value ? put : remove;
    statement.bind(1, key.kind).bind(2, key.name);
    if (value) statement.bind(3, *value).bind(4, revision);
    if (auto done = statement.run(); !done) return tl::unexpected(done.error());
  }
  return {};
}

Answer<void> put_change(SqliteDatabase& database, const Change& change, std::int64_t revision) {
  SqliteStatement put = database.prepare(
      "INSERT INTO changes (revision, id, by, at, format, objects, digest, freed, writes, names) "
      "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)");
  const std::string digest = to_string(change.digest), freed = to_json(change.freed),
                    writes = to_json(change.writes), names = to_json(without_values(change.writes));
  put.bind(1, revision).bind(2, change.id).bind(3, change.by).bind(4, change.at);
  put.bind(5, change.format).bind(6, static_cast<std::int64_t>(change.objects));
  return put.bind(7, digest).bind(8, freed).bind(9, writes).bind(10, names).run();
}

Answer<void> put_last_change(SqliteDatabase& database, Change change) {
  change.writes.clear();
  const auto revision = static_cast<std::int64_t>(change.revision);
  return database.execute("DELETE FROM changes").and_then([&]() -> Answer<void> {
    if (revision == 0) return {};
    return put_change(database, change, revision);
  });
}

Answer<void> put_whole(SqliteDatabase& database, const Snapshot& snapshot) {
  return database.execute("DELETE FROM objects")
      .and_then([&] { return put_identity(database, snapshot.identity); })
      .and_then([&] { return put_records(database, snapshot.records); })
      .and_then([&] { return put_last_change(database, last_change_of(snapshot)); });
}

}  // namespace novaplane::store
