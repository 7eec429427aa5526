#include "dataplane/store/sqlite_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <thread>

#include "dataplane/base/fd.h"
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

std::string new_identity() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

tl::unexpected<Failure> broken(const SqliteDatabase& database, const std::string& words) {
  return tl::unexpected(Failure{Trouble::broken, fmt::format("{}: {}", database.path(), words)});
}

Answer<Change> change_of(const SqliteStatement& row, const SqliteDatabase& database) {
  auto freed = parse_words(row.text(7));
  auto writes = parse_writes(row.text(8));
  const auto revision = static_cast<Revision>(row.integer(0));
  if (!freed || !writes) return broken(database, fmt::format("change {} is damaged", revision));
  return Change{revision,
                row.text(1),
                row.text(2),
                row.integer(3),
                static_cast<std::uint32_t>(row.integer(4)),
                static_cast<std::size_t>(row.integer(5)),
                parse_digest(row.text(6)),
                std::move(*freed),
                std::move(*writes)};
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

std::vector<Write> without_values(std::vector<Write> writes) {
  for (Write& write : writes) {
    if (write.value) write.value->clear();
  }
  return writes;
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

}  // namespace

SqliteStore::SqliteStore(std::unique_ptr<SqliteDatabase> database, Settings settings)
    : database_(std::move(database)), settings_(std::move(settings)), watch_(database_->path()) {}

Answer<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path) {
  return open(path, Settings());
}

Answer<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, Settings settings) {
  auto database = SqliteDatabase::open(path);
  if (!database) return tl::unexpected(std::move(database.error()));
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(*database), std::move(settings)));
  auto prepared = store->prepare();
  // SQLite does not wait for a database that another program is about to set up.
  for (int tries = 0; !prepared && prepared.error().trouble == Trouble::unavailable; ++tries) {
    constexpr int kMost = 20;
    if (tries == kMost) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    prepared = store->prepare();
  }
  if (!prepared) return tl::unexpected(prepared.error());
  return store;
}

/// What is there already is opened without a lock for writing: others may be busy with it.
Answer<void> SqliteStore::prepare() {
  const auto is_made = check_owner();
  if (!is_made) return tl::unexpected(is_made.error());
  return database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
      .and_then([&] { return *is_made ? Answer<void>() : create(); })
      .and_then([&] { return database_->execute(kLaterTables); });
}

/// Before anything of it is touched. False: there is nothing yet.
Answer<bool> SqliteStore::check_owner() {
  const auto tables = database_->integer("SELECT count(*) FROM sqlite_master");
  if (!tables) return tl::unexpected(tables.error());
  if (*tables == 0) return false;
  const auto application = database_->integer("PRAGMA application_id");
  if (!application) return tl::unexpected(application.error());
  if (*application != kApplicationId) return broken(*database_, "is a database of something else");
  const auto schema = database_->integer("PRAGMA user_version");
  if (!schema) return tl::unexpected(schema.error());
  if (*schema == kSchema) return true;
  return broken(*database_, fmt::format("has tables of version {}, and this program knows {}",
                                        *schema, kSchema));
}

/// Two programs that begin at once make one identity: the second one finds the tables.
Answer<void> SqliteStore::create() {
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  const auto tables = database_->integer("SELECT count(*) FROM sqlite_master");
  if (!tables) return tl::unexpected(tables.error());
  if (*tables != 0) return {};
  const std::string identity = new_identity();
  return database_->execute(kTables)
      .and_then([&] {
        SqliteStatement put = database_->prepare("INSERT INTO identity (value) VALUES (?1)");
        return put.bind(1, identity).run();
      })
      .and_then([&] { return transaction->commit(); });
}

Answer<Revision> SqliteStore::revision() {
  return database_->integer("SELECT coalesce(max(revision), 0) FROM changes")
      .map([](std::int64_t revision) { return static_cast<Revision>(revision); });
}

Answer<Revision> SqliteStore::oldest() {
  return database_->integer("SELECT coalesce(min(revision), 1) - 1 FROM changes")
      .map([](std::int64_t revision) { return static_cast<Revision>(revision); });
}

Answer<std::string> SqliteStore::identity() {
  SqliteStatement statement = database_->prepare("SELECT value FROM identity");
  const auto row = statement.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return broken(*database_, "has no identity");
  return statement.text(0);
}

Answer<Head> SqliteStore::head() {
  auto identity = this->identity();
  if (!identity) return tl::unexpected(std::move(identity.error()));
  SqliteStatement last =
      database_->prepare("SELECT revision, id FROM changes ORDER BY revision DESC LIMIT 1");
  const auto row = last.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return Head{std::move(*identity), 0, ""};
  return Head{std::move(*identity), static_cast<Revision>(last.integer(0)), last.text(1)};
}

Answer<Status> SqliteStore::status() {
  const auto identity = this->identity();
  if (!identity) return tl::unexpected(identity.error());
  const auto revision = this->revision();
  if (!revision) return tl::unexpected(revision.error());
  const auto oldest = this->oldest();
  if (!oldest) return tl::unexpected(oldest.error());
  return Status{"sqlite", database_->path(), *identity, *revision, *oldest, kFormat, true};
}

/// All of it is read in one transaction, which sees one state.
Answer<Snapshot> SqliteStore::load() {
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::reading);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  auto identity = this->identity();
  if (!identity) return tl::unexpected(std::move(identity.error()));
  Snapshot snapshot;
  snapshot.identity = std::move(*identity);
  if (auto done = load_last_change(snapshot); !done) return tl::unexpected(done.error());
  SqliteStatement objects =
      database_->prepare("SELECT kind, name, value, revision FROM objects ORDER BY kind, name");
  for (;;) {
    const auto row = objects.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return snapshot;
    snapshot.records.push_back({{objects.text(0), objects.text(1)},
                                objects.text(2),
                                static_cast<Revision>(objects.integer(3))});
  }
}

Answer<void> SqliteStore::load_last_change(Snapshot& snapshot) {
  SqliteStatement last = database_->prepare(
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

Answer<void> SqliteStore::check_reach(Revision after) {
  const auto fail = [&](Trouble trouble, const std::string& words) {
    return tl::unexpected(Failure{trouble, fmt::format("{}: {}", database_->path(), words)});
  };
  const auto newest = revision();
  if (!newest) return tl::unexpected(newest.error());
  if (after > *newest) {
    return fail(Trouble::went_back, fmt::format("is at revision {}, before {}", *newest, after));
  }
  const auto kept_after = oldest();
  if (!kept_after) return tl::unexpected(kept_after.error());
  if (after >= *kept_after) return {};
  return fail(Trouble::compacted, fmt::format("keeps changes after revision {} only", *kept_after));
}

Answer<std::vector<Change>> SqliteStore::read_changes(Revision after, std::size_t most,
                                                      const char* writes) {
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::reading);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  if (auto done = check_reach(after); !done) return tl::unexpected(done.error());
  const std::string sql = fmt::format(
      "SELECT revision, id, by, at, format, objects, digest, freed, {} FROM changes "
      "WHERE revision > ?1 ORDER BY revision LIMIT ?2",
      writes);
  SqliteStatement rows = database_->prepare(sql.c_str());
  rows.bind(1, static_cast<std::int64_t>(after)).bind(2, static_cast<std::int64_t>(most));
  std::vector<Change> changes;
  for (;;) {
    const auto row = rows.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return changes;
    auto change = change_of(rows, *database_);
    if (!change) return tl::unexpected(std::move(change.error()));
    changes.push_back(std::move(*change));
  }
}

Answer<std::vector<Change>> SqliteStore::changes_after(Revision after, std::size_t most) {
  return read_changes(after, most, "writes");
}

Answer<std::vector<Change>> SqliteStore::history_after(Revision after, std::size_t most) {
  return read_changes(after, most, "names");
}

Answer<void> SqliteStore::back_up(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) {
    return tl::unexpected(
        Failure{Trouble::refused, fmt::format("{}: {}", path, std::strerror(errno))});
  }
  return database_->prepare("VACUUM INTO ?1").bind(1, path).run();
}

/// SQLite writes into its log before others can see the change. commit() touches the database when
/// they can; of a writer that is none of ours only the earlier events come, so that somebody has to
/// look again a few times.
Answer<void> SqliteStore::wait(Revision after, Clock::time_point until) {
  constexpr unsigned kLooks = 4;
  constexpr auto kBetweenLooks = std::chrono::milliseconds(5);
  const auto newest = revision();
  if (!newest) {
    watch_.wait_a_little(until);
    return tl::unexpected(newest.error());
  }
  if (*newest != after) return {};
  if (looks_again_ != 0) until = std::min(until, Clock::now() + kBetweenLooks * looks_again_);
  if (watch_.wait(until)) {
    looks_again_ = kLooks;
  } else if (looks_again_ != 0) {
    --looks_again_;
  }
  return {};
}

CommitAnswer SqliteStore::commit(const Commit& commit) {
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::writing);
  if (!transaction) return std::move(transaction.error());
  const auto newest = revision();
  if (!newest) return newest.error();
  if (*newest != commit.expected) return LostRace();
  const auto written = write(commit);
  if (!written) return written.error();
  // Whether it is on the disk is not known if this fails.
  if (const auto done = transaction->commit(); !done) {
    if (done.error().trouble == Trouble::full) return done.error();
    return Unclear{done.error().words};
  }
  ::utimensat(AT_FDCWD, database_->path().c_str(), nullptr, 0);
  return Committed{*written};
}

Answer<Revision> SqliteStore::write(const Commit& commit) {
  const auto next = static_cast<std::int64_t>(commit.expected) + 1;
  return put_objects(*database_, commit.change.writes, next)
      .and_then([&] { return put_change(*database_, commit.change, next); })
      .and_then([&] {
        SqliteStatement forget = database_->prepare("DELETE FROM changes WHERE revision <= ?1");
        return forget.bind(1, next - static_cast<std::int64_t>(settings_.kept_changes)).run();
      })
      .map([&] { return static_cast<Revision>(next); });
}

Answer<std::optional<Revision>> SqliteStore::find_change(const std::string& id, Revision after) {
  SqliteStatement found =
      database_->prepare("SELECT revision FROM changes WHERE revision > ?1 AND id = ?2");
  const auto row = found.bind(1, static_cast<std::int64_t>(after)).bind(2, id).step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return std::nullopt;
  return static_cast<Revision>(found.integer(0));
}

}  // namespace novaplane::store
