#include "dataplane/store/etcd/watch.h"

#include <fmt/format.h>

#include <algorithm>

namespace novaplane::store::etcd {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{100}, kLastRetry{5000};
constexpr std::chrono::seconds kSilence{2};  ///< after a change of which others tell

/// gRPC waits a millisecond more than it is told to, and so for a time that is over, too.
gpr_timespec from_now(Clock::time_point until) {
  const auto left = std::chrono::ceil<milliseconds>(until - Clock::now()).count();
  if (left <= 0) return gpr_inf_past(GPR_CLOCK_MONOTONIC);
  constexpr std::int64_t kLongest = 3'600'000;
  return gpr_time_from_millis(std::min<std::int64_t>(left, kLongest), GPR_TIMESPAN);
}

}  // namespace

Watch::Watch(Members& members, const Keys& keys)
    : members_(members), keys_(keys), log_(keys), backoff_(kFirstRetry) {}

Watch::~Watch() {
  close();
  queue_.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
  }
}

void Watch::begin(Revision after, Revision start) {
  stop();
  log_.begin(after);
  start_ = start;
  has_begun_ = true;
  retry_at_ = {};
}

void Watch::stop() {
  close();
  has_begun_ = false;
}

/// What is cancelled ends at once: nobody else is asked.
void Watch::close() {
  is_live_ = false;
  if (!stream_) return;
  stream_->cancel();
  while (!stream_->has_ended()) {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    if (tag != stream_.get()) {
      on_alarm();
    } else if (stream_->on_completion(ok)) {
      stream_->read();
    }
  }
  stream_.reset();
}

void Watch::retry_later() {
  std::uniform_int_distribution<Clock::rep> jitter(backoff_.count() / 2, backoff_.count());
  retry_at_ = Clock::now() + Clock::duration(jitter(random_));
  backoff_ = std::min<Clock::duration>(backoff_ * 2, kLastRetry);
}

/// At the member that the others' questions go to: where it has not answered them, its silence
/// about changes says nothing.
void Watch::open_when_due() {
  if (!has_begun_) return;
  if (stream_ && member_ != members_.current()) {
    close();
    retry_at_ = {};
  }
  if (stream_ || Clock::now() < retry_at_) return;
  etcdserverpb::WatchCreateRequest range;
  range.set_key(keys_.guard());
  range.set_range_end(keys_.guard_and_objects_end());
  range.set_start_revision(static_cast<std::int64_t>(std::max(start_, log_.newest() + 1)));
  range.set_progress_notify(true);
  member_ = members_.current();
  stream_ = std::make_unique<WatchStream>(members_.channel(Use::watch), range, queue_);
}

Watch::Told Watch::pump(Clock::time_point until, At ends_at) {
  for (;;) {
    open_when_due();
    if (ends_at == At::event_or_interrupt && std::exchange(was_interrupted_, false)) {
      return Told::interrupted;
    }
    const auto end = has_begun_ && !stream_ ? std::min(until, retry_at_) : until;
    void* tag = nullptr;
    bool ok = false;
    if (queue_.AsyncNext(&tag, &ok, from_now(end)) != grpc::CompletionQueue::GOT_EVENT) {
      if (Clock::now() >= until) return Told::nothing;
      continue;
    }
    if (tag != stream_.get()) {
      on_alarm();
      continue;
    }
    Told told = Told::nothing;
    if (stream_->on_completion(ok)) told = on_message(stream_->message());
    if (stream_ && stream_->has_ended()) told = on_end();
    if (told != Told::nothing) return told;
  }
}

Watch::Told Watch::on_message(const etcdserverpb::WatchResponse& message) {
  const auto refuse = [&](const std::string& why) {
    words_ = fmt::format("{}: the watch has ended: {}", members_.place().url(member_), why);
    return Told::broken;
  };
  if (message.canceled()) {
    const bool is_compacted = message.compact_revision() != 0;
    refuse(is_compacted ? "etcd has forgotten those changes" : message.cancel_reason());
    close();
    if (is_compacted) stop();
    retry_later();
    return Told::broken;
  }
  if (message.created()) {
    is_live_ = true;
    backoff_ = kFirstRetry;
  }
  const Revision before = log_.newest();
  if (!log_.take(message)) {
    stop();
    return refuse("the guard of the cloud was deleted, or cannot be read");
  }
  stream_->read();
  return log_.newest() != before ? Told::changes : Told::nothing;
}

Watch::Told Watch::on_end() {
  const bool was_live = is_live_;
  words_ = failure_of(stream_->status(), members_.place().url(member_)).words;
  is_live_ = false;
  stream_.reset();
  members_.leave(member_);
  retry_later();
  return was_live ? Told::broken : Told::nothing;
}

Answer<void> Watch::catch_up(Revision revision, std::size_t most) {
  const Revision begun_after = log_.begins_after();
  bool was_moved = false;
  auto told_at = Clock::now();
  while (log_.newest() < revision && log_.count_after(begun_after) < most) {
    const Told told = pump(told_at + kSilence);
    if (!has_begun_) return tl::unexpected(Failure{Trouble::compacted, words_});
    if (told == Told::changes) told_at = Clock::now();
    if (Clock::now() < told_at + kSilence) continue;
    if (!is_live_) return tl::unexpected(Failure{Trouble::unavailable, words_});
    if (was_moved) {
      words_ = fmt::format("{}: the watch does not tell of revision {}", members_.url(), revision);
      stop();
      return tl::unexpected(Failure{Trouble::compacted, words_});
    }
    members_.leave(member_);
    was_moved = true;
    told_at = Clock::now();
  }
  return {};
}

void Watch::on_alarm() {
  const std::lock_guard lock(mutex_);
  is_rung_ = false;
  was_interrupted_ = true;
}

void Watch::interrupt() {
  const std::lock_guard lock(mutex_);
  if (is_rung_) return;
  is_rung_ = true;
  alarm_ = std::make_unique<grpc::Alarm>();
  alarm_->Set(&queue_, gpr_time_0(GPR_TIMESPAN), &is_rung_);
}

}  // namespace novaplane::store::etcd
