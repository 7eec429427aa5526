#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/store/sqlite_database.h"

namespace novaplane::store {

/// The last good cloud of a store that may be away, on this host's disk: what the host comes up
/// from. The tables are those of an SqliteStore, with the last change alone; so it is a back-up,
/// too. It outlives a power cut, if not with the last changes. One process has it at a time.
class Replica {
 public:
  struct Opened {
    std::unique_ptr<Replica> replica;
    std::optional<Snapshot> snapshot;  ///< none: nothing was ever kept
    std::string complaint;             ///< what was set aside, and why; empty: nothing
  };
  /// Makes it, with its folder, where there is none. A file that is damaged, or something else, is
  /// set aside as PATH.damaged. Fails where the place cannot be written, or another process has it.
  static Answer<Opened> open(const std::string& path);
  /// The same for one that cannot be used for that reason.
  static Answer<Opened> begin_anew(const std::string& path, const std::string& why);

  /// All of it new, in one transaction.
  Answer<void> replace(const Snapshot& snapshot);
  /// The next changes, in their order, in one transaction.
  Answer<void> append(const std::vector<Change>& changes);
  /// Whether it can be written; changes nothing.
  Answer<void> probe();
  const std::string& path() const { return database_->path(); }

 private:
  explicit Replica(std::unique_ptr<SqliteDatabase> database) : database_(std::move(database)) {}
  static Answer<Opened> read(const std::string& path);

  std::unique_ptr<SqliteDatabase> database_;
};

}  // namespace novaplane::store
