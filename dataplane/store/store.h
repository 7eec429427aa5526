#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "dataplane/store/digest.h"

/// Where a cloud is kept that several programs or hosts change: objects as text, all of them at one
/// revision. A store knows no rule of the cloud: it compares revisions, nothing else.
namespace novaplane::store {

using Clock = std::chrono::steady_clock;

/// Counts changes of the cloud; 0: nothing was ever written. In etcd the mod_revision of the key
/// `cloud`, so that numbers are left out; nobody may count on the next one.
using Revision = std::uint64_t;

/// What this version writes, and the highest that it reads.
constexpr std::uint32_t kFormat = 1;

struct Key {
  std::string kind;  ///< "ports"; kinds that this version does not know are kept, too
  std::string name;
  auto operator<=>(const Key&) const = default;
};
std::string to_string(const Key&);  ///< "ports/web1"

struct Record {
  Key key;
  std::string value;      ///< JSON (cloud/text.h, to_stored)
  Revision revision = 0;  ///< of the change that wrote it last
  bool operator==(const Record&) const = default;
};

/// One object written; none: deleted.
struct Write {
  Key key;
  std::optional<std::string> value;
  bool operator==(const Write&) const = default;
};

/// What one commit has done. Always seen as a whole.
struct Change {
  Revision revision = 0;
  std::string id = {};  ///< made by who committed it, never twice
  std::string by = {};  ///< who asked for it: "root@compute1"
  std::int64_t at = 0;  ///< when, by that host's clock: ms since 1970
  std::uint32_t format = kFormat;
  std::size_t objects = 0;  ///< of the whole cloud, afterwards
  Digest digest = {};       ///< of the whole cloud, afterwards
  std::vector<std::string> freed =
      {};  ///< addresses that it gave back: "blue/10.0.0.11", see ipam.h
  std::vector<Write> writes = {};
  bool operator==(const Change&) const = default;
};

/// The whole cloud at one revision.
struct Snapshot {
  std::string identity;
  Revision revision = 0;
  std::string change = {};  ///< id of the change that made this revision; empty: none ever did
  std::uint32_t format = kFormat;
  std::size_t objects = 0;  ///< as the last change has counted
  Digest digest = {};
  std::vector<Record> records = {};
};

/// Why there is no answer, as far as a program must know.
enum class Trouble : std::uint8_t {
  unavailable,  ///< away, slow, or without a majority: ask again
  compacted,    ///< those changes are kept no more: load() again
  went_back,    ///< the revision is one that the store has not reached: it was restored or wiped
  read_only,    ///< this store takes no writes
  full,         ///< no room left
  refused,      ///< by the store's own rules: permissions, size
  broken,       ///< it cannot be understood: damage, or a format above kFormat
};
std::string_view to_string(Trouble);

struct Failure {
  Trouble trouble = Trouble::unavailable;
  std::string
      words;  ///< one sentence with the place: "/var/lib/novaplane/cloud.db: disk I/O error"
};
template <class T>
using Answer = tl::expected<T, Failure>;

/// Writes that take place only if the cloud is at that very revision.
struct Commit {
  Revision expected = 0;
  Change change;  ///< its revision is not looked at
};

/// What a store takes in one commit.
struct Limits {
  std::size_t writes = std::numeric_limits<std::size_t>::max();
  std::size_t bytes = std::numeric_limits<std::size_t>::max();  ///< of keys and values

  bool allow(const Change&) const;
};

struct Committed {
  Revision revision = 0;
};
/// Nothing was written: the store is at another revision by now.
struct LostRace {};
/// Nobody knows: it may be written, or be written yet. To send the very same commit again is safe:
/// of two that expect one revision at most one is written.
struct Unclear {
  std::string words;
};
using CommitAnswer = std::variant<Committed, LostRace, Unclear, Failure>;  ///< Failure: not written

/// Where the store is.
struct Head {
  std::string identity;  ///< made when it was created: with another one it is another cloud
  Revision revision = 0;
  std::string change;  ///< id of the change that made this revision; empty: none ever did
  bool operator==(const Head&) const = default;
};

struct Status {
  std::string kind;      ///< "sqlite", "etcd", "file"
  std::string location;  ///< "/var/lib/novaplane/cloud.db"
  std::string identity;
  Revision revision = 0;
  Revision oldest = 0;  ///< the history after this one is kept
  std::uint32_t format = kFormat;
  bool writable = false;
};

/// What a host says of itself; nothing of the cloud follows from it.
struct HostStatus {
  std::string host;
  std::string value;  ///< JSON
  std::int64_t at =
      0;  ///< when it was written, by the store's clock where it has one: ms since 1970
  bool alive = false;  ///< its daemon ran within the last kAliveFor; not written by put_status()
};

/// How long a host counts as alive after a keep_alive().
constexpr std::chrono::seconds kAliveFor{15};

/// Calls wait for the store, with deadlines of their own; one thread at a time, and never one that
/// has something else to do. interrupt() may be called by any thread.
class Store {
 public:
  virtual ~Store() = default;

  virtual Answer<Status> status() = 0;
  virtual Answer<Head> head() = 0;
  virtual Answer<Snapshot> load() = 0;

  /// Changes after that revision in their order, the oldest ones first and `most` of them at most;
  /// none: there is nothing newer. Only what the store cannot lose any more.
  virtual Answer<std::vector<Change>> changes_after(Revision, std::size_t most) = 0;
  /// The same without what was written: values are empty. For those who want to know who did what.
  virtual Answer<std::vector<Change>> history_after(Revision, std::size_t most) = 0;
  /// Returns when there may be something else than that revision, or at the time, or at
  /// interrupt(); never at once because the store is away.
  virtual Answer<void> wait(Revision, Clock::time_point until) = 0;
  virtual void interrupt() = 0;

  virtual Limits limits() const { return {}; }
  virtual CommitAnswer commit(const Commit&) = 0;
  /// The revision that the change with that id has made, if it is later than `after`; none: there
  /// is no such change, and there will be none where the cloud is later than `after` by now. Never
  /// answered from a state that may be old.
  virtual Answer<std::optional<Revision>> find_change(const std::string& id, Revision after) = 0;

  /// Writes all of it into a file that was not there, while others go on.
  virtual Answer<void> back_up(const std::string& path) = 0;

  virtual Answer<void> put_status(const HostStatus&) = 0;
  /// Of all hosts that have put one, by name.
  virtual Answer<std::vector<HostStatus>> statuses() = 0;
  /// Tells that the host's daemon runs. Ends by itself, kAliveFor after the last call.
  virtual Answer<void> keep_alive(const std::string& host) = 0;
  /// Advice about how the store is set up, a sentence each; empty: all is well.
  virtual Answer<std::vector<std::string>> check() = 0;
};

/// "sqlite:/var/lib/novaplane/cloud.db", "file:/etc/novaplane/cloud.yaml"; a path alone is a file;
/// "etcd:https://n1:2379,https://n2:2379?cacert=FILE&cert=FILE&key=FILE&prefix=/novaplane".
/// Fails where the words name no store, or the store cannot be opened at all (a database that is
/// none). A store that is away is no error: its calls say so.
Answer<std::unique_ptr<Store>> open_store(const std::string& words);

}  // namespace novaplane::store
