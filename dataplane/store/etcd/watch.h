#pragma once

#include <grpcpp/alarm.h>
#include <grpcpp/completion_queue.h>

#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>

#include "dataplane/store/etcd/change_log.h"
#include "dataplane/store/etcd/members.h"
#include "dataplane/store/etcd/watch_stream.h"

namespace novaplane::store::etcd {

/// Follows the changes of the cloud: a watch at the current member, and another one at the next
/// where it ends, which goes on where that one was. All of it happens within the calls.
class Watch {
 public:
  Watch(Members& members, const Keys& keys);
  Watch(const Watch&) = delete;
  ~Watch();

  /// Forgets what it has. From now on it is about what comes after the revision `after`, and has to
  /// look from `start` on: there is no change in between.
  void begin(Revision after, Revision start);
  /// Nothing is watched any more, until begin().
  void stop();
  bool has_begun() const { return has_begun_; }
  /// Nothing has changed from its newest change up to `revision`: it goes on behind it if it has to
  /// be begun anew, since etcd may have forgotten what was before.
  void skip_to(Revision revision) { start_ = std::max(start_, revision + 1); }

  /// A member has answered: where the watch has to be begun anew, there is no reason to wait.
  void retry_now() { retry_at_ = {}; }

  enum class Told : std::uint8_t { nothing, changes, broken, interrupted };
  enum class At : std::uint8_t { event, event_or_interrupt };
  /// Takes what has come; waits for it until then. `broken`: the watch has ended, once for each.
  Told pump(Clock::time_point until, At ends_at = At::event);
  /// pump() until the log has that revision, or as many changes. Says `compacted` where the changes
  /// are to be had no more, whatever the reason.
  Answer<void> catch_up(Revision revision, std::size_t most);
  /// By any thread: pump() returns where it ends at interrupts, now or when it is called.
  void interrupt();

  /// A member has told that it watches, and has not ended it since.
  bool is_live() const { return is_live_; }
  ChangeLog& log() { return log_; }
  const ChangeLog& log() const { return log_; }

 private:
  void open_when_due();
  Told on_message(const etcdserverpb::WatchResponse& message);
  Told on_end();
  void close();
  void on_alarm();
  void retry_later();

  Members& members_;
  Keys keys_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<WatchStream> stream_;
  std::size_t member_ = 0;  ///< that the stream is at
  ChangeLog log_;
  Revision start_ = 0;
  bool has_begun_ = false, is_live_ = false, was_interrupted_ = false;
  std::string words_;  ///< why the last one has ended
  Clock::time_point retry_at_{};
  Clock::duration backoff_;
  std::mt19937 random_{std::random_device()()};

  std::mutex mutex_;  ///< of the two that follow
  std::unique_ptr<grpc::Alarm> alarm_;
  bool is_rung_ = false;
};

}  // namespace novaplane::store::etcd
