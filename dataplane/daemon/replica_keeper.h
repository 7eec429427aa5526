#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/store/follower.h"
#include "dataplane/store/replica.h"

namespace novaplane::daemon {

/// Keeps the replica of a store's cloud on this host's disk: a thread of its own ("np-replica")
/// writes behind the one that follows the store. What cannot be written is tried again; the host
/// goes on without.
class ReplicaKeeper {
 public:
  /// Of what people have to know, a sentence each; called by any of the two threads.
  using Tell = std::function<void(const std::string& sentence)>;
  struct Settings {
    std::chrono::milliseconds retry{5000};
    std::size_t most_changes = 10'000;  ///< that wait to be written
  };
  ReplicaKeeper(std::string path, Tell tell);
  ReplicaKeeper(std::string path, Tell tell, Settings settings);
  ReplicaKeeper(const ReplicaKeeper&) = delete;
  /// Writes what is not written yet.
  ~ReplicaKeeper();

  // --- by the thread that follows the store
  /// Opens the replica. The follower begins with what was kept there, if that is a valid cloud.
  void begin(store::Follower& follower);
  /// What came to the copy. Written some time after write(), so that the kernel has it first.
  void note(const store::Followed& followed);
  void write();
  /// Changes were lost on their way: only the whole cloud can be written.
  bool needs_whole() const;
  void replace(std::shared_ptr<const store::Snapshot> whole);

  // --- by any thread
  struct State {
    std::string path;
    store::Revision revision = 0;  ///< 0: there is nothing yet
    std::string trouble;           ///< why it is not written; empty: it is
  };
  State state() const;

 private:
  /// The whole, if there is one, then the changes.
  struct Work {
    std::shared_ptr<const store::Snapshot> whole;
    std::vector<store::Change> changes;
    bool empty() const { return !whole && changes.empty(); }
  };
  using Lock = std::unique_lock<std::mutex>;

  void work();
  Work next(Lock& lock);
  store::Answer<store::Revision> write(const Work& work);
  store::Answer<void> open_again();
  void end(Lock& lock, Work work, const store::Answer<store::Revision>& written);
  void lose();

  const std::string path_;
  const Tell tell_;
  const Settings settings_;
  std::unique_ptr<store::Replica> replica_;  ///< of the thread that writes, after begin()
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  store::Revision revision_ = 0;
  std::string trouble_;
  Work due_;
  bool may_write_ = false, is_lost_ = false, ends_ = false;
  std::thread thread_;
};

}  // namespace novaplane::daemon
