#include "dataplane/store/restore.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "dataplane/store/apply.h"
#include "dataplane/store/commit_in_steps.h"
#include "dataplane/store/records.h"
#include "dataplane/store/sqlite_tables.h"

namespace novaplane::store {
namespace {

std::map<Key, const std::string*> values_of(const Snapshot& snapshot) {
  std::map<Key, const std::string*> values;
  for (const Record& record : snapshot.records) values.emplace(record.key, &record.value);
  return values;
}

/// What is as it was kept is not written.
std::vector<Write> writes_between(const Snapshot& is, const Snapshot& kept) {
  const auto now = values_of(is), wanted = values_of(kept);
  std::vector<Write> writes;
  for (const Record& record : kept.records) {
    const auto found = now.find(record.key);
    if (found == now.end() || *found->second != record.value) {
      writes.push_back({record.key, record.value});
    }
  }
  for (const Record& record : is.records) {
    if (!wanted.contains(record.key)) writes.push_back({record.key, std::nullopt});
  }
  return writes;
}

/// Addresses that go with what is written. A cloud that this version cannot read gives none back.
std::vector<std::string> freed_between(const Snapshot& is, const Copy& kept,
                                       const std::vector<Write>& writes) {
  Copy before;
  if (!before.replace(is)) return {};
  std::vector<std::string> freed;
  for (const Write& write : writes) {
    const auto name = name_of(write.key);
    if (!name) continue;
    auto given = freed_by(before.checked().find(*name), kept.checked().find(*name));
    std::ranges::move(given, std::back_inserter(freed));
  }
  return freed;
}

/// By a copy of its own: that of the host may be held.
Outcome restore_in_steps(Store& store, const Snapshot& kept, const std::string& by) {
  Copy wanted, copy;
  if (auto read = wanted.replace(kept); !read) return Declined{"invalid", std::move(read.error())};
  Follower follower(store, copy);
  Committer committer(store, copy, follower);
  const auto propose = [&](const Copy& is) {
    return Proposal{edits_to(is, {wanted.cloud(), wanted.pools()}, /*prunes=*/true), {}};
  };
  return commit_in_steps(committer, store.limits(), propose, propose, by).outcome;
}

}  // namespace

Restored restore(Store& store, Committer& committer, const Snapshot& kept, const std::string& by,
                 bool is_dry) {
  Restored restored;
  const auto make = [&](const Snapshot& is) -> tl::expected<Change, Declined> {
    auto change = change_between(is, kept);
    if (!change) return tl::unexpected(Declined{"invalid", std::move(change.error())});
    restored.put = restored.removed = 0;
    for (const Write& write : change->writes) ++(write.value ? restored.put : restored.removed);
    return std::move(*change);
  };
  restored.outcome = is_dry ? committer.dry_rewrite(make) : committer.rewrite(make, by);
  if (std::holds_alternative<TooLarge>(restored.outcome)) {
    restored.outcome = restore_in_steps(store, kept, by);
  }
  return restored;
}

Answer<Snapshot> read_back_up(const std::string& path) {
  const auto broken = [&](const std::string& words) {
    return tl::unexpected(Failure{Trouble::broken, fmt::format("{}: {}", path, words)});
  };
  auto database = SqliteDatabase::open(path, SqliteDatabase::Mode::existing);
  if (!database) return tl::unexpected(std::move(database.error()));
  const auto is_ours = has_tables(**database);
  if (!is_ours) return tl::unexpected(is_ours.error());
  if (!*is_ours) return broken("has nothing in it");
  auto snapshot = read_snapshot(**database);
  if (!snapshot) return snapshot;
  if (const Hold fault = fault_of(*snapshot)) return broken(fault.words);
  if (snapshot->records.empty()) return broken("has no objects");
  return snapshot;
}

tl::expected<Change, std::string> change_between(const Snapshot& is, const Snapshot& kept) {
  Copy copy;
  if (auto replaced = copy.replace(kept); !replaced) {
    return tl::unexpected(std::move(replaced.error()));
  }
  Change change;
  change.writes = writes_between(is, kept);
  change.freed = freed_between(is, copy, change.writes);
  change.objects = copy.objects();
  change.digest = copy.digest();
  return change;
}

}  // namespace novaplane::store
