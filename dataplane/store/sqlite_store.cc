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
#include "dataplane/store/sqlite_tables.h"

namespace novaplane::store {
namespace {

std::string new_identity() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

Answer<Change> change_of(const SqliteStatement& row, const SqliteDatabase& database) {
  auto freed = parse_words(row.text(7));
  auto writes = parse_writes(row.text(8));
  const auto revision = static_cast<Revision>(row.integer(0));
  if (!freed || !writes) {
    return tl::unexpected(Failure{
        Trouble::broken, fmt::format("{}: change {} is damaged", database.path(), revision)});
  }
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
  const auto is_made = has_tables(*database_);
  if (!is_made) return tl::unexpected(is_made.error());
  return database_->execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").and_then([&] {
    return make_tables(*database_, new_identity());
  });
}

Answer<Revision> SqliteStore::revision() {
  return database_->integer("SELECT coalesce(max(revision), 0) FROM changes")
      .map([](std::int64_t revision) { return static_cast<Revision>(revision); });
}

Answer<Revision> SqliteStore::oldest() {
  return database_->integer("SELECT coalesce(min(revision), 1) - 1 FROM changes")
      .map([](std::int64_t revision) { return static_cast<Revision>(revision); });
}

Answer<Head> SqliteStore::head() {
  auto identity = read_identity(*database_);
  if (!identity) return tl::unexpected(std::move(identity.error()));
  SqliteStatement last =
      database_->prepare("SELECT revision, id FROM changes ORDER BY revision DESC LIMIT 1");
  const auto row = last.step();
  if (!row) return tl::unexpected(row.error());
  if (!*row) return Head{std::move(*identity), 0, ""};
  return Head{std::move(*identity), static_cast<Revision>(last.integer(0)), last.text(1)};
}

Answer<Status> SqliteStore::status() {
  const auto identity = read_identity(*database_);
  if (!identity) return tl::unexpected(identity.error());
  const auto revision = this->revision();
  if (!revision) return tl::unexpected(revision.error());
  const auto oldest = this->oldest();
  if (!oldest) return tl::unexpected(oldest.error());
  return Status{"sqlite", database_->path(), *identity, *revision, *oldest, kFormat, true};
}

Answer<Snapshot> SqliteStore::load() { return read_snapshot(*database_); }

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
