#include "dataplane/store/database_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "dataplane/base/fd.h"
#include "dataplane/store/sqlite_store.h"

namespace novaplane::store {
namespace {

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

/// The change that has made it, without what it has written. None has made an empty cloud.
Answer<void> put_last_change(SqliteDatabase& database, const Snapshot& snapshot) {
  if (snapshot.revision == 0) return {};
  const std::string digest = to_string(snapshot.digest);
  SqliteStatement put = database.prepare(
      "INSERT INTO changes (revision, id, by, at, format, objects, digest, freed, names, writes) "
      "VALUES (?1, ?2, '', 0, ?3, ?4, ?5, '[]', '[]', '[]')");
  put.bind(1, static_cast<std::int64_t>(snapshot.revision)).bind(2, snapshot.change);
  put.bind(3, snapshot.format).bind(4, static_cast<std::int64_t>(snapshot.objects));
  return put.bind(5, digest).run();
}

Answer<void> put_identity(SqliteDatabase& database, const std::string& identity) {
  SqliteStatement put = database.prepare("UPDATE identity SET value = ?1");
  return put.bind(1, identity).run();
}

}  // namespace

Answer<void> write_database(const std::string& path, const Snapshot& snapshot) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) {
    return tl::unexpected(
        Failure{Trouble::refused, fmt::format("{}: {}", path, std::strerror(errno))});
  }
  if (const auto made = SqliteStore::open(path); !made) return tl::unexpected(made.error());
  auto database = SqliteDatabase::open(path);
  if (!database) return tl::unexpected(std::move(database.error()));
  auto transaction = SqliteTransaction::begin(**database, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  return put_records(**database, snapshot.records)
      .and_then([&] { return put_last_change(**database, snapshot); })
      .and_then([&] { return put_identity(**database, snapshot.identity); })
      .and_then([&] { return transaction->commit(); });
}

}  // namespace novaplane::store
