#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/store/folder_watch.h"
#include "dataplane/store/sqlite_database.h"
#include "dataplane/store/store.h"

namespace novaplane::store {

/// A cloud in one file of this machine: an SQLite database, which several processes may read and
/// write. What was committed outlives a power cut (WAL, synchronous=FULL).
class SqliteStore : public Store {
 public:
  struct Settings {
    std::uint64_t kept_changes = 100'000;    ///< older ones are forgotten
    std::function<std::int64_t()> now = {};  ///< ms since 1970; none: the machine's clock
  };
  /// Makes the database, with an identity of its own, where there is none.
  static Answer<std::unique_ptr<SqliteStore>> open(const std::string& path);
  static Answer<std::unique_ptr<SqliteStore>> open(const std::string& path, Settings settings);

  Answer<Status> status() override;
  Answer<Head> head() override;
  Answer<Snapshot> load() override;
  Answer<std::vector<Change>> changes_after(Revision, std::size_t most) override;
  Answer<std::vector<Change>> history_after(Revision, std::size_t most) override;
  Answer<void> wait(Revision, Clock::time_point until) override;
  void interrupt() override { watch_.interrupt(); }
  CommitAnswer commit(const Commit&) override;
  Answer<std::optional<Revision>> find_change(const std::string& id, Revision after) override;
  Answer<void> back_up(const std::string& path) override;
  Answer<void> put_status(const HostStatus&) override;
  Answer<std::vector<HostStatus>> statuses() override;
  Answer<void> keep_alive(const std::string& host) override;
  Answer<std::vector<std::string>> check() override;

 private:
  SqliteStore(std::unique_ptr<SqliteDatabase> database, Settings settings);

  Answer<void> prepare();
  Answer<Revision> revision();
  Answer<Revision> oldest();
  /// `writes`: the column to read them from.
  Answer<std::vector<Change>> read_changes(Revision after, std::size_t most, const char* writes);
  Answer<void> check_reach(Revision after);
  Answer<Revision> write(const Commit& commit);
  Answer<void> write_without_sync(SqliteStatement& statement);
  std::int64_t now() const;

  std::unique_ptr<SqliteDatabase> database_;
  Settings settings_;
  FolderWatch watch_;
  unsigned looks_again_ = 0;  ///< after an event that came before its change could be seen
};

}  // namespace novaplane::store
