#include "dataplane/store/replica.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "dataplane/base/files.h"
#include "dataplane/store/follower.h"
#include "dataplane/store/sqlite_tables.h"

namespace novaplane::store {
namespace {

/// Nobody else may have it; so SQLite needs no memory that it would share. What is not synced after
/// each change is in the log's order: a power cut leaves an older cloud, never half of one.
constexpr const char* kSettings =
    "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; "
    "PRAGMA journal_size_limit = 4194304";

/// The log belongs to the database: without it, it is an older one.
Answer<void> set_aside(const std::string& path, const std::string& aside) {
  for (const char* rest : {"-wal", "-shm", ""}) {
    const bool is_moved = std::rename((path + rest).c_str(), (aside + rest).c_str()) == 0;
    if (is_moved || errno == ENOENT) continue;
    return tl::unexpected(Failure{
        Trouble::refused, fmt::format("rename {}{}: {}", path, rest, std::strerror(errno))});
  }
  return {};
}

}  // namespace

Answer<Replica::Opened> Replica::open(const std::string& path) {
  auto opened = read(path);
  if (opened || opened.error().trouble != Trouble::broken) return opened;
  return begin_anew(path, opened.error().words);
}

Answer<Replica::Opened> Replica::begin_anew(const std::string& path, const std::string& why) {
  const std::string aside = path + ".damaged";
  if (auto moved = set_aside(path, aside); !moved) return tl::unexpected(std::move(moved.error()));
  auto opened = read(path);
  if (opened) opened->complaint = fmt::format("{}; it is {} now", why, aside);
  return opened;
}

Answer<Replica::Opened> Replica::read(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (const auto made = make_directories(folder); !made) {
    return tl::unexpected(Failure{Trouble::refused, made.error().message()});
  }
  auto database = SqliteDatabase::open(path);
  if (!database) return tl::unexpected(std::move(database.error()));
  auto snapshot = has_tables(**database)
                      .and_then([&](bool) { return (*database)->execute(kSettings); })
                      .and_then([&] { return make_tables(**database, ""); })
                      .and_then([&] { return read_snapshot(**database); });
  if (!snapshot) return tl::unexpected(std::move(snapshot.error()));
  Opened opened{std::unique_ptr<Replica>(new Replica(std::move(*database))), std::nullopt, ""};
  if (snapshot->identity.empty()) return opened;
  if (const Hold fault = fault_of(*snapshot)) {
    return tl::unexpected(Failure{Trouble::broken, fmt::format("{}: {}", path, fault.words)});
  }
  opened.snapshot = std::move(*snapshot);
  return opened;
}

Answer<void> Replica::replace(const Snapshot& snapshot) {
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  return put_whole(*database_, snapshot).and_then([&] { return transaction->commit(); });
}

Answer<void> Replica::append(const std::vector<Change>& changes) {
  if (changes.empty()) return {};
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  for (const Change& change : changes) {
    const auto revision = static_cast<std::int64_t>(change.revision);
    if (auto put = put_objects(*database_, change.writes, revision); !put) return put;
  }
  return put_last_change(*database_, changes.back()).and_then([&] {
    return transaction->commit();
  });
}

Answer<void> Replica::probe() {
  auto transaction = SqliteTransaction::begin(*database_, SqliteTransaction::Kind::writing);
  if (!transaction) return tl::unexpected(std::move(transaction.error()));
  return database_->execute("UPDATE identity SET value = value").and_then([&] {
    return transaction->commit();
  });
}

}  // namespace novaplane::store
