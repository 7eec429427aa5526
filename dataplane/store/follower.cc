#include "dataplane/store/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace novaplane::store {
namespace {

constexpr std::size_t kBatch = 1000;  ///< changes that are asked for at once

bool is_virgin(const Copy& copy) { return copy.identity().empty(); }

}  // namespace

std::string_view to_string(Hold::Reason reason) {
  switch (reason) {
    case Hold::Reason::none:
      return "none";
    case Hold::Reason::away:
      return "away";
    case Hold::Reason::empty:
      return "empty";
    case Hold::Reason::went_back:
      return "went-back";
    case Hold::Reason::foreign:
      return "foreign";
    case Hold::Reason::newer:
      return "newer";
    case Hold::Reason::invalid:
      return "invalid";
    case Hold::Reason::damaged:
      return "damaged";
  }
  return "";
}

void Follower::hold(const Failure& failure) {
  switch (failure.trouble) {
    case Trouble::went_back:
      return hold(Hold::Reason::went_back, failure.words);
    case Trouble::broken:
      return hold(Hold::Reason::damaged, failure.words);
    default:
      return hold(Hold::Reason::away, failure.words);
  }
}

const Hold& Follower::follow() {
  const auto identity = store_.identity();
  if (!identity) return hold(identity.error()), hold_;
  if (!is_virgin(copy_) && *identity != copy_.identity()) must_load_ = true;
  if (must_load_) {
    load();
  } else {
    while (take_changes()) {
    }
  }
  return hold_;
}

/// True: there may be more.
bool Follower::take_changes() {
  auto changes = store_.changes_after(copy_.revision(), kBatch);
  if (!changes && changes.error().trouble == Trouble::compacted) return load(), false;
  if (!changes) return hold(changes.error()), false;
  for (const Change& change : *changes) {
    if (!take(change)) return load(), false;
  }
  if (changes->empty()) hold_ = {};
  return !changes->empty();
}

/// False: the copy cannot become what the store has by the change alone.
bool Follower::take(const Change& change) {
  if (change.revision <= copy_.revision()) return true;
  const Revision from = copy_.revision();
  if (change.format > kFormat || !copy_.leads_to(change)) return false;
  auto changes = copy_.apply(change);
  if (!changes) return false;
  if (sink_) sink_({std::move(*changes), from, change.revision, {change}});
  return true;
}

/// What could not be taken is not asked for again before it has changed.
bool Follower::is_still_held() {
  if (hold_.reason != Hold::Reason::invalid && hold_.reason != Hold::Reason::newer) return false;
  const auto newer = store_.changes_after(held_at_, 1);
  return newer && newer->empty() && !is_accepted_;
}

/// A store that was restored and has gone on since has another change at that revision.
bool Follower::shares_history() {
  if (copy_.change().empty()) return true;
  const auto found = store_.find_change(copy_.change(), copy_.revision() - 1);
  if (!found || *found) return true;
  const auto kept = store_.changes_after(copy_.revision() - 1, 1);
  return !kept;  // nobody knows any more
}

Hold Follower::objection(const Snapshot& snapshot) const {
  const auto from_to = fmt::format("revision {} of {}, and the copy is at {}", snapshot.revision,
                                   snapshot.identity, copy_.revision());
  if (snapshot.format > kFormat) {
    return {Hold::Reason::newer, fmt::format("the store has format {}, and this version knows {}",
                                             snapshot.format, kFormat)};
  }
  Digest digest;
  for (const auto& [key, value, revision] : snapshot.records) {
    digest ^= digest_of(key.kind, key.name, value);
  }
  if (digest != snapshot.digest || snapshot.records.size() != snapshot.objects) {
    return {Hold::Reason::damaged,
            fmt::format("the store lists {} objects where its last change left {}",
                        snapshot.records.size(), snapshot.objects)};
  }
  if (is_virgin(copy_) || is_accepted_) return {};
  if (snapshot.records.empty() && copy_.objects() != 0) {
    return {Hold::Reason::empty, "the store is empty: " + from_to};
  }
  if (snapshot.identity != copy_.identity()) {
    return {Hold::Reason::foreign, "it is another store: " + from_to + " of " + copy_.identity()};
  }
  if (snapshot.revision < copy_.revision()) {
    return {Hold::Reason::went_back, "the store went back: " + from_to};
  }
  return {};
}

void Follower::load() {
  must_load_ = true;
  if (is_still_held()) return;
  auto snapshot = store_.load();
  if (!snapshot) return hold(snapshot.error());
  held_at_ = snapshot->revision;
  hold_ = objection(*snapshot);
  if (!hold_ && !is_virgin(copy_) && !is_accepted_ && !shares_history()) {
    hold(Hold::Reason::went_back,
         fmt::format("the store's history has another change at revision {}: it was restored",
                     copy_.revision()));
  }
  if (hold_) return;
  const Revision from = copy_.revision();
  auto changes = copy_.replace(*snapshot);
  if (!changes) return hold(Hold::Reason::invalid, std::move(changes.error()));
  must_load_ = is_accepted_ = false;
  load_freed();
  if (sink_) sink_({std::move(*changes), from, snapshot->revision, {}});
}

/// What was freed before this program began; of a store that has forgotten it, nothing.
void Follower::load_freed() {
  constexpr Revision kFar = 5000;
  const auto status = store_.status();
  if (!status) return;
  Revision after = copy_.revision() > kFar ? copy_.revision() - kFar : 0;
  after = std::max(after, status->oldest);
  while (after < copy_.revision()) {
    const auto changes = store_.history_after(after, kBatch);
    if (!changes || changes->empty()) return;
    for (const Change& change : *changes) copy_.freed().note(change.freed, change.at);
    after = changes->back().revision;
  }
}

}  // namespace novaplane::store
