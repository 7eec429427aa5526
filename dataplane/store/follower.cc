#include "dataplane/store/follower.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace novaplane::store {
namespace {

constexpr std::size_t kBatch = 1000;  ///< changes that are asked for at once

bool is_virgin(const Copy& copy) { return copy.identity().empty(); }

Hold hold_of(const Failure& failure) {
  switch (failure.trouble) {
    case Trouble::went_back:
      return {Hold::Reason::went_back, failure.words};
    case Trouble::broken:
      return {Hold::Reason::damaged, failure.words};
    default:
      return {Hold::Reason::away, failure.words};
  }
}

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

Hold fault_of(const Snapshot& snapshot) {
  if (snapshot.format > kFormat) {
    return {Hold::Reason::newer, fmt::format("the store has format {}, and this version knows {}",
                                             snapshot.format, kFormat)};
  }
  Digest digest;
  for (const auto& [key, value, revision] : snapshot.records) {
    digest ^= digest_of(key.kind, key.name, value);
  }
  if (digest == snapshot.digest && snapshot.records.size() == snapshot.objects) return {};
  return {Hold::Reason::damaged,
          fmt::format("the store lists {} objects where its last change left {}",
                      snapshot.records.size(), snapshot.objects)};
}

tl::expected<void, std::string> Follower::begin(const Snapshot& kept) {
  auto changes = copy_.replace(kept);
  if (!changes) return tl::unexpected(std::move(changes.error()));
  must_load_ = false;
  must_load_freed_ = true;
  if (sink_) sink_({std::move(*changes), 0, kept.revision, {}});
  return {};
}

const Hold& Follower::follow() {
  const auto head = store_.head();
  if (!head) return hold_ = hold_of(head.error());
  seen_ = *head;
  if (!is_virgin(copy_) && !continues(*head)) must_load_ = true;
  if (must_load_) {
    load(*head);
  } else {
    while (take_changes(*head)) {
    }
    if (!hold_ && std::exchange(must_load_freed_, false)) load_freed();
  }
  if (!hold_) good_at_ = Clock::now();
  return hold_;
}

void Follower::wait(Clock::time_point until) {
  constexpr std::chrono::seconds kRetry{1};
  if (hold_.reason == Hold::Reason::away) until = std::min(until, Clock::now() + kRetry);
  [[maybe_unused]] const auto told = store_.wait(hold_ ? seen_.revision : copy_.revision(), until);
}

/// Whether the store may have come to where it is from where the copy is.
bool Follower::continues(const Head& head) const {
  if (head.identity != copy_.identity() || head.revision < copy_.revision()) return false;
  return head.revision != copy_.revision() || head.change == copy_.change();
}

/// True: there may be more.
bool Follower::take_changes(const Head& head) {
  auto changes = store_.changes_after(copy_.revision(), kBatch);
  if (!changes && changes.error().trouble == Trouble::compacted) return load(head), false;
  if (!changes) return hold_ = hold_of(changes.error()), false;
  for (const Change& change : *changes) {
    if (!take(change)) return load(head), false;
  }
  const bool has_all = changes->empty() && head.revision <= copy_.revision();
  if (has_all || hold_.reason == Hold::Reason::away) hold_ = {};
  return !changes->empty();
}

/// False: the copy cannot become what the store has by the change alone.
bool Follower::take(const Change& change) {
  if (change.revision <= copy_.revision()) return true;
  const Revision from = copy_.revision();
  if (change.format > kFormat || !copy_.leads_to(change)) return false;
  auto changes = copy_.apply(change);
  if (!changes) return false;
  if (sink_) sink_({std::move(*changes), from, change.revision, {change}, nullptr});
  return true;
}

/// What could not be taken is not loaded again before it has changed.
bool Follower::is_still_held(const Head& head) const {
  const bool may_pass = hold_.reason == Hold::Reason::away || hold_.reason == Hold::Reason::damaged;
  return hold_ && !may_pass && head == held_at_ && !is_accepted_;
}

/// A store that was restored and has gone on since has another change at that revision. One that
/// has forgotten it is believed.
Answer<bool> Follower::shares_history() {
  if (copy_.change().empty()) return true;
  const auto found = store_.find_change(copy_.change(), copy_.revision() - 1);
  if (!found && found.error().trouble == Trouble::compacted) return true;
  if (!found) return tl::unexpected(found.error());
  if (*found) return true;
  const auto kept = store_.history_after(copy_.revision() - 1, 1);
  if (kept) return false;
  if (kept.error().trouble == Trouble::compacted) return true;
  return tl::unexpected(kept.error());
}

Hold Follower::objection(const Snapshot& snapshot) {
  if (Hold fault = fault_of(snapshot)) return fault;
  if (is_virgin(copy_) || is_accepted_) return {};
  const auto from_to = fmt::format("revision {} of {}, and the copy is at {}", snapshot.revision,
                                   snapshot.identity, copy_.revision());
  if (snapshot.records.empty() && copy_.objects() != 0) {
    return {Hold::Reason::empty, "the store is empty: " + from_to};
  }
  if (snapshot.identity != copy_.identity()) {
    return {Hold::Reason::foreign, "it is another store: " + from_to + " of " + copy_.identity()};
  }
  if (snapshot.revision < copy_.revision()) {
    return {Hold::Reason::went_back, "the store went back: " + from_to};
  }
  const auto shares = shares_history();
  if (!shares) return hold_of(shares.error());
  const bool is_other = snapshot.revision == copy_.revision() && snapshot.change != copy_.change();
  if (*shares && !is_other) return {};
  return {Hold::Reason::went_back,
          fmt::format("the store's history has another change at revision {}: it was restored",
                      copy_.revision())};
}

void Follower::load(const Head& head) {
  must_load_ = true;
  if (is_still_held(head)) return;
  held_at_ = head;
  auto loaded = store_.load();
  hold_ = loaded ? objection(*loaded) : hold_of(loaded.error());
  if (hold_) return;
  const auto snapshot = std::make_shared<const Snapshot>(std::move(*loaded));
  const Revision from = copy_.revision();
  auto changes = copy_.replace(*snapshot);
  if (!changes) {
    hold_ = {Hold::Reason::invalid, std::move(changes.error())};
    return;
  }
  must_load_ = is_accepted_ = must_load_freed_ = false;
  load_freed();
  if (sink_) sink_({std::move(*changes), from, snapshot->revision, {}, snapshot});
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
