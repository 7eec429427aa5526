#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <chrono>

#include "dataplane/store/sqlite_store.h"

/// What hosts say of themselves in an SQLite store, and how well the store is kept.
namespace novaplane::store {
namespace {

/// Empty: what is written there stays.
std::string advice_about_place(const std::string& path) {
  struct statfs place {};
  if (::statfs(path.c_str(), &place) != 0) return {};
  switch (static_cast<unsigned long>(place.f_type)) {
    case TMPFS_MAGIC:
    case RAMFS_MAGIC:
      return path + " is in memory: a reboot loses it";
    case NFS_SUPER_MAGIC:
    case SMB_SUPER_MAGIC:
    case CIFS_SUPER_MAGIC:
    case SMB2_SUPER_MAGIC:
      return path + " is on a network file system, whose locks SQLite cannot rely on";
    default:
      return {};
  }
}

std::string advice_about_mode(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0 || (file.st_mode & 077) == 0) return {};
  return fmt::format("{} is open to others: chmod 600 {}", path, path);
}

}  // namespace

std::int64_t SqliteStore::now() const {
  using namespace std::chrono;
  if (settings_.now) return settings_.now();
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// A power cut may take it: nothing of the cloud, and no wait for the disk.
Answer<void> SqliteStore::write_without_sync(SqliteStatement& statement) {
  if (auto set = database_->execute("PRAGMA synchronous = NORMAL"); !set) return set;
  auto written = statement.run();
  const auto reset = database_->execute("PRAGMA synchronous = FULL");
  return written ? reset : written;
}

Answer<void> SqliteStore::put_status(const HostStatus& status) {
  SqliteStatement put = database_->prepare(
      "INSERT INTO statuses (host, value, at) VALUES (?1, ?2, ?3) "
      "ON CONFLICT DO UPDATE SET value = ?2, at = ?3");
  put.bind(1, status.host).bind(2, status.value).bind(3, status.at);
  return write_without_sync(put);
}

Answer<void> SqliteStore::keep_alive(const std::string& host) {
  SqliteStatement put = database_->prepare(
      "INSERT INTO alive (host, at) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = ?2");
  put.bind(1, host).bind(2, now());
  return write_without_sync(put);
}

/// A clock that was set back makes no host alive that is dead.
Answer<std::vector<HostStatus>> SqliteStore::statuses() {
  constexpr auto kLongest = std::chrono::milliseconds(kAliveFor).count();
  SqliteStatement rows = database_->prepare(
      "SELECT host, value, statuses.at, coalesce(?1 - alive.at BETWEEN 0 AND ?2, 0) "
      "FROM statuses LEFT JOIN alive USING (host) ORDER BY host");
  rows.bind(1, now()).bind(2, std::int64_t{kLongest});
  std::vector<HostStatus> found;
  for (;;) {
    const auto row = rows.step();
    if (!row) return tl::unexpected(row.error());
    if (!*row) return found;
    found.push_back({rows.text(0), rows.text(1), rows.integer(2), rows.integer(3) != 0});
  }
}

Answer<std::vector<std::string>> SqliteStore::check() {
  SqliteStatement checked = database_->prepare("PRAGMA quick_check(1)");
  const auto row = checked.step();
  if (!row) return tl::unexpected(row.error());
  std::vector<std::string> advice;
  const std::string damage = *row ? checked.text(0) : "ok";
  if (damage != "ok") advice.push_back(fmt::format("{} is damaged: {}", database_->path(), damage));
  for (std::string sentence :
       {advice_about_place(database_->path()), advice_about_mode(database_->path())}) {
    if (!sentence.empty()) advice.push_back(std::move(sentence));
  }
  return advice;
}

}  // namespace novaplane::store
