#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/store/store.h"

namespace novaplane::store::test {

/// What all clients of a store in memory share: the truth, whatever they are told.
class MemoryCluster {
 public:
  std::string identity = "memory-1";
  std::map<Key, Record> records;
  std::vector<Change> changes;
  Revision revision = 0;
  Revision oldest = 0;            ///< changes after that are kept
  Revision step = 1;              ///< etcd counts what is not the cloud's as well
  std::vector<Commit> in_flight;  ///< answered already, and to be tried yet
  std::map<std::string, HostStatus> statuses;
  std::map<std::string, Clock::duration> alive_at;  ///< by host
  Clock::duration now{};                            ///< goes on by hand only
  std::vector<std::string> advice;                  ///< what check() answers

  CommitAnswer apply(const Commit& commit) {
    if (commit.expected != revision) return LostRace();
    revision += step;
    for (const auto& [key, value] : commit.change.writes) {
      if (value) {
        records[key] = {key, *value, revision};
      } else {
        records.erase(key);
      }
    }
    changes.push_back(commit.change);
    changes.back().revision = revision;
    return Committed{revision};
  }
  /// What was on its way arrives.
  void deliver() {
    for (const Commit& commit : std::exchange(in_flight, {})) apply(commit);
  }
  void compact() { oldest = revision; }

  Snapshot snapshot() const {
    Snapshot found{.identity = identity, .revision = revision};
    for (const auto& [key, record] : records) found.records.push_back(record);
    if (!changes.empty()) {
      const Change& last = changes.back();
      found.change = last.id;
      found.format = last.format;
      found.objects = last.objects;
      found.digest = last.digest;
    }
    return found;
  }
};

/// How often something goes wrong, in percent of the calls.
struct Faults {
  unsigned loses_an_event = 0;      ///< a change is left out, later ones are told
  unsigned tells_late = 0;          ///< the newest changes are not told yet
  unsigned applies_and_denies = 0;  ///< written, and the answer is lost
  unsigned applies_later = 0;       ///< the answer is lost, and it is written at some time
  unsigned drops = 0;               ///< the answer is lost, and it is never written
  unsigned is_away = 0;             ///< no answer to a question
  unsigned compacts = 0;
};

/// One client's view of the cluster.
class MemoryStore : public Store {
 public:
  explicit MemoryStore(MemoryCluster& cluster, Faults faults = {}, unsigned seed = 1)
      : faults(faults), cluster_(cluster), random_(seed) {}

  Faults faults;
  Revision waited_after = 0;
  Limits takes;
  bool is_silent = false;  ///< cut off without notice: nothing new is told

  Limits limits() const override { return takes; }
  Answer<Status> status() override {
    if (strikes(faults.is_away)) return away();
    return Status{"memory", "",  cluster_.identity, cluster_.revision, cluster_.oldest,
                  kFormat,  true};
  }
  Answer<Head> head() override {
    if (strikes(faults.is_away)) return away();
    return Head{cluster_.identity, cluster_.revision,
                cluster_.changes.empty() ? "" : cluster_.changes.back().id};
  }
  Answer<Snapshot> load() override {
    if (strikes(faults.is_away)) return away();
    return cluster_.snapshot();
  }

  Answer<std::vector<Change>> changes_after(Revision after, std::size_t most) override {
    if (strikes(faults.is_away)) return away();
    if (strikes(faults.compacts)) cluster_.compact();
    if (is_silent) return std::vector<Change>();
    if (after > cluster_.revision) return fail(Trouble::went_back);
    if (after < cluster_.oldest) return fail(Trouble::compacted);
    std::vector<Change> found;
    for (const Change& change : cluster_.changes) {
      const bool is_due = change.revision > after && found.size() < most;
      if (is_due && !strikes(faults.loses_an_event)) found.push_back(change);
    }
    if (!found.empty() && strikes(faults.tells_late)) found.resize(random_() % found.size());
    return found;
  }
  Answer<std::vector<Change>> history_after(Revision after, std::size_t most) override {
    return changes_after(after, most).map([](std::vector<Change> found) {
      for (Change& change : found) {
        for (Write& write : change.writes) {
          if (write.value) write.value->clear();
        }
      }
      return found;
    });
  }
  Answer<void> back_up(const std::string&) override { return fail(Trouble::refused); }
  Answer<void> wait(Revision after, Clock::time_point) override {
    waited_after = after;
    return {};
  }
  void interrupt() override {}

  CommitAnswer commit(const Commit& commit) override {
    if (strikes(50)) cluster_.deliver();
    if (strikes(faults.is_away)) return Failure{Trouble::unavailable, "away"};
    if (strikes(faults.drops)) return Unclear{"no answer"};
    if (strikes(faults.applies_later)) {
      cluster_.in_flight.push_back(commit);
      return Unclear{"no answer"};
    }
    const CommitAnswer answer = cluster_.apply(commit);
    if (strikes(faults.applies_and_denies)) return Unclear{"no answer"};
    return answer;
  }
  Answer<std::optional<Revision>> find_change(const std::string& id, Revision after) override {
    if (strikes(faults.is_away)) return away();
    for (const Change& change : cluster_.changes) {
      if (change.id == id && change.revision > after) return change.revision;
    }
    return std::nullopt;
  }
  Answer<void> put_status(const HostStatus& status) override {
    if (strikes(faults.is_away)) return away();
    cluster_.statuses[status.host] = status;
    return {};
  }
  Answer<std::vector<HostStatus>> statuses() override {
    if (strikes(faults.is_away)) return away();
    std::vector<HostStatus> found;
    for (const auto& [host, status] : cluster_.statuses) {
      const auto told = cluster_.alive_at.find(host);
      found.push_back(status);
      found.back().alive =
          told != cluster_.alive_at.end() && cluster_.now - told->second <= kAliveFor;
    }
    return found;
  }
  Answer<void> keep_alive(const std::string& host) override {
    if (strikes(faults.is_away)) return away();
    cluster_.alive_at[host] = cluster_.now;
    return {};
  }
  Answer<std::vector<std::string>> check() override {
    if (strikes(faults.is_away)) return away();
    return cluster_.advice;
  }

 private:
  bool strikes(unsigned percent) { return percent != 0 && random_() % 100 < percent; }
  static tl::unexpected<Failure> fail(Trouble trouble) {
    return tl::unexpected(Failure{trouble, std::string(to_string(trouble))});
  }
  static tl::unexpected<Failure> away() { return fail(Trouble::unavailable); }

  MemoryCluster& cluster_;
  std::mt19937 random_;
};

}  // namespace novaplane::store::test
