#include "dataplane/daemon/replica_keeper.h"

#include <fmt/format.h>
#include <pthread.h>

#include <utility>

#include "dataplane/base/exception.h"

namespace novaplane::daemon {

using store::Answer;
using store::Failure;
using store::Replica;
using store::Revision;
using store::Trouble;

ReplicaKeeper::ReplicaKeeper(std::string path, Tell tell)
    : ReplicaKeeper(std::move(path), std::move(tell), Settings()) {}

ReplicaKeeper::ReplicaKeeper(std::string path, Tell tell, Settings settings)
    : path_(std::move(path)), tell_(std::move(tell)), settings_(settings) {}

ReplicaKeeper::~ReplicaKeeper() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

// --- by the thread that follows the store

void ReplicaKeeper::begin(store::Follower& follower) {
  auto opened = Replica::open(path_);
  if (opened && opened->snapshot) {
    const auto begun = follower.begin(*opened->snapshot);
    if (begun) {
      revision_ = opened->snapshot->revision;
    } else {
      opened->replica.reset();
      opened = Replica::begin_anew(path_, fmt::format("{}: {}", path_, begun.error()));
    }
  }
  if (!opened) {
    trouble_ = opened.error().words;
    tell_(fmt::format("the cloud is not kept on this host: {}", trouble_));
  } else {
    if (!opened->complaint.empty()) tell_(opened->complaint);
    replica_ = std::move(opened->replica);
  }
  thread_ = std::thread([this] { work(); });
}

void ReplicaKeeper::note(const store::Followed& followed) {
  if (!followed.whole && followed.revisions.empty()) return;  // it is from here
  const std::lock_guard lock(mutex_);
  if (followed.whole) {
    due_ = {followed.whole, {}};
    is_lost_ = false;
  }
  if (is_lost_) return;
  due_.changes.insert(due_.changes.end(), followed.revisions.begin(), followed.revisions.end());
  if (due_.changes.size() > settings_.most_changes) lose();
}

void ReplicaKeeper::write() {
  {
    const std::lock_guard lock(mutex_);
    if (due_.empty() || std::exchange(may_write_, true)) return;
  }
  changed_.notify_one();
}

bool ReplicaKeeper::needs_whole() const {
  const std::lock_guard lock(mutex_);
  return is_lost_ && trouble_.empty();
}

void ReplicaKeeper::replace(std::shared_ptr<const store::Snapshot> whole) {
  note({{}, 0, whole->revision, {}, whole});
  write();
}

ReplicaKeeper::State ReplicaKeeper::state() const {
  const std::lock_guard lock(mutex_);
  return {path_, revision_, trouble_};
}

// --- the thread that writes

void ReplicaKeeper::work() {
  ::pthread_setname_np(::pthread_self(), "np-replica");
  Lock lock(mutex_);
  for (;;) {
    Work work = next(lock);
    const bool has_ended = ends_;
    if (has_ended && work.empty()) return;
    lock.unlock();
    Answer<Revision> written;
    try {
      written = write(work);
    } catch (...) {
      written = tl::unexpected(
          Failure{Trouble::unavailable, error_of_exception("write the replica").message()});
    }
    lock.lock();
    end(lock, std::move(work), written);
    if (has_ended) return;
  }
}

/// Nothing: it is to be looked whether it can be written again, or the end.
ReplicaKeeper::Work ReplicaKeeper::next(Lock& lock) {
  if (!trouble_.empty()) {
    changed_.wait_for(lock, settings_.retry, [this] { return ends_; });
  } else {
    changed_.wait(lock, [this] { return ends_ || may_write_; });
  }
  may_write_ = false;
  return std::exchange(due_, {});
}

/// The revision that the replica is at then.
Answer<Revision> ReplicaKeeper::write(const Work& work) {
  if (!replica_) {
    if (auto opened = open_again(); !opened) return tl::unexpected(std::move(opened.error()));
    if (!work.whole) return Revision{0};
  }
  const auto written = [&]() -> Answer<void> {
    if (work.empty()) return replica_->probe();
    if (!work.whole) return replica_->append(work.changes);
    return replica_->replace(*work.whole).and_then([&] { return replica_->append(work.changes); });
  }();
  if (!written && written.error().trouble == Trouble::broken) {
    replica_.reset();
    auto anew = Replica::begin_anew(path_, written.error().words);
    if (anew) replica_ = std::move(anew->replica);
  }
  if (!written) return tl::unexpected(written.error());
  if (!work.changes.empty()) return work.changes.back().revision;
  return work.whole ? work.whole->revision : Revision{0};
}

/// What is in it is older than the copy by an unknown number of changes.
Answer<void> ReplicaKeeper::open_again() {
  auto opened = Replica::open(path_);
  if (!opened) return tl::unexpected(std::move(opened.error()));
  replica_ = std::move(opened->replica);
  const std::lock_guard lock(mutex_);
  if (!due_.whole) lose();
  return {};
}

/// What was not written is due again, before what came meanwhile.
void ReplicaKeeper::end(Lock& lock, Work work, const Answer<Revision>& written) {
  const std::string before = std::exchange(trouble_, written ? "" : written.error().words);
  if (written) {
    if (*written != 0) revision_ = *written;
  } else if (written.error().trouble == Trouble::broken) {
    if (!due_.whole) lose();
  } else if (!due_.whole && !is_lost_) {
    std::swap(work, due_);
    due_.changes.insert(due_.changes.end(), work.changes.begin(), work.changes.end());
    if (due_.changes.size() > settings_.most_changes) lose();
  }
  if (before == trouble_) return;
  const std::string sentence = trouble_.empty() ? "the cloud is kept on this host again"
                                                : "the cloud is not kept on this host: " + trouble_;
  lock.unlock();
  tell_(sentence);
  lock.lock();
}

void ReplicaKeeper::lose() {
  due_ = {};
  is_lost_ = true;
}

}  // namespace novaplane::daemon
