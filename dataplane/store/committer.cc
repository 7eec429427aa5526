#include "dataplane/store/committer.h"

#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

namespace novaplane::store {
namespace {

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

}  // namespace

/// One commit, from try to try.
struct Committer::Attempt {
  std::string id, by;
  Clock::time_point end;
  unsigned tries = 0;
  std::optional<Commit> sent;  ///< and not known to be lost
  bool may_be_written = false;
  bool is_away = false;  ///< as the last try has found; in SQLite, somebody else writes for long
  std::vector<cloud::ObjectEdit> edits;
  std::string words;  ///< why the last try has failed
};

Committer::Committer(Store& store, Copy& copy, Follower& follower)
    : Committer(store, copy, follower, Settings()) {}

Committer::Committer(Store& store, Copy& copy, Follower& follower, Settings settings)
    : store_(store),
      copy_(copy),
      follower_(follower),
      settings_(std::move(settings)),
      random_(settings_.seed) {
  if (!settings_.sleep) {
    settings_.sleep = [](Clock::duration time) { std::this_thread::sleep_for(time); };
  }
  if (!settings_.make_id) settings_.make_id = random_id;
  if (!settings_.wall_clock) settings_.wall_clock = milliseconds_now;
}

void Committer::pause(unsigned tries) {
  const auto longest = std::max<Clock::rep>((settings_.pause * tries).count(), 1);
  settings_.sleep(Clock::duration(std::uniform_int_distribution<Clock::rep>(0, longest)(random_)));
}

Outcome Committer::commit(const Propose& propose, const std::string& by) {
  return try_often([&](Attempt& attempt) { return try_once(propose, attempt); }, by);
}

Outcome Committer::try_often(const Try& try_once, const std::string& by) {
  Attempt attempt;
  attempt.id = settings_.make_id();
  attempt.by = by;
  attempt.end = settings_.now() + settings_.patience;
  for (;;) {
    ++attempt.tries;
    if (auto outcome = try_once(attempt)) return std::move(*outcome);
    if (settings_.now() >= attempt.end) return give_up(attempt);
    pause(attempt.tries);
  }
}

/// None: another try may help.
std::optional<Outcome> Committer::try_once(const Propose& propose, Attempt& attempt) {
  const Hold& hold = follower_.follow();
  if (attempt.sent) {
    if (auto outcome = resolve(attempt)) return outcome;
  }
  if (hold) {
    attempt.words = hold.words;
    if (attempt.may_be_written) return std::nullopt;
    return Refused{Trouble::unavailable, hold.words};
  }
  if (!attempt.sent) {
    if (auto outcome = prepare(propose, attempt)) return outcome;
  }
  return send(attempt);
}

/// Whether what was sent is written. If not, and the cloud has moved on, it never will be.
std::optional<Outcome> Committer::resolve(Attempt& attempt) {
  const auto found = store_.find_change(attempt.id, attempt.sent->expected);
  if (!found) {
    attempt.words = found.error().words;
    return std::nullopt;
  }
  if (*found) return done(attempt, **found);
  if (copy_.revision() == attempt.sent->expected) return std::nullopt;
  attempt.sent.reset();
  attempt.may_be_written = false;
  return std::nullopt;
}

std::optional<Outcome> Committer::prepare(const Propose& propose, Attempt& attempt) {
  auto proposal = propose(copy_);
  if (!proposal) return std::move(proposal.error());
  auto foreseen = copy_.foresee(std::move(proposal->edits), std::move(proposal->findings));
  if (!foreseen) return Invalid{std::move(foreseen.error())};
  attempt.edits = std::move(foreseen->edits);
  if (foreseen->change.writes.empty()) {
    return Done{copy_.revision(), false, std::move(attempt.edits)};
  }
  Change& change = foreseen->change;
  if (!store_.limits().allow(change)) return TooLarge{change.writes.size()};
  sign(change, attempt);
  attempt.sent = Commit{copy_.revision(), std::move(change)};
  return std::nullopt;
}

void Committer::sign(Change& change, const Attempt& attempt) const {
  change.id = attempt.id;
  change.by = attempt.by;
  change.at = settings_.wall_clock();
}

std::optional<Outcome> Committer::send(Attempt& attempt) {
  const CommitAnswer answer = store_.commit(*attempt.sent);
  if (const auto* committed = std::get_if<Committed>(&answer)) {
    return done(attempt, committed->revision);
  }
  if (const auto* unclear = std::get_if<Unclear>(&answer)) {
    attempt.may_be_written = true;
    attempt.words = unclear->words;
  } else if (const auto* failure = std::get_if<Failure>(&answer)) {
    attempt.words = failure->words;
    attempt.is_away = failure->trouble == Trouble::unavailable;
    const bool may_help = attempt.is_away || attempt.may_be_written;
    if (!may_help) return Refused{failure->trouble, failure->words};
  } else {
    attempt.words = "others were faster";
    attempt.is_away = false;
  }
  return std::nullopt;
}

/// The copy has it when the caller is told, unless the store is away by then.
Outcome Committer::done(Attempt& attempt, Revision revision) {
  while (copy_.revision() < revision && !follower_.follow()) {
    if (settings_.now() >= attempt.end) break;
    if (copy_.revision() < revision) pause(1);
  }
  return Done{revision, true, std::move(attempt.edits)};
}

Outcome Committer::give_up(const Attempt& attempt) const {
  if (attempt.may_be_written) return Unknown{attempt.id, attempt.words};
  if (attempt.is_away) return Refused{Trouble::unavailable, attempt.words};
  return Crowded{attempt.tries};
}

Outcome Committer::dry_run(const Propose& propose) {
  if (const Hold& hold = follower_.follow()) return Refused{Trouble::unavailable, hold.words};
  auto proposal = propose(copy_);
  if (!proposal) return std::move(proposal.error());
  auto foreseen = copy_.foresee(std::move(proposal->edits), std::move(proposal->findings));
  if (!foreseen) return Invalid{std::move(foreseen.error())};
  return Done{copy_.revision(), !foreseen->change.writes.empty(), std::move(foreseen->edits)};
}

// --- whatever the copy has

Outcome Committer::rewrite(const Rewrite& make, const std::string& by) {
  return try_often([&](Attempt& attempt) { return rewrite_once(make, attempt); }, by);
}

std::optional<Outcome> Committer::rewrite_once(const Rewrite& make, Attempt& attempt) {
  if (attempt.sent) {
    if (auto outcome = resolve_rewrite(attempt)) return outcome;
    if (!attempt.words.empty()) return std::nullopt;
  }
  if (!attempt.sent) {
    if (auto outcome = prepare(make, attempt)) return outcome;
  }
  return attempt.sent ? send(attempt) : std::nullopt;
}

std::optional<Outcome> Committer::prepare(const Rewrite& make, Attempt& attempt) {
  const auto is = store_.load();
  if (!is) {
    attempt.words = is.error().words;
    attempt.is_away = is.error().trouble == Trouble::unavailable;
    if (!attempt.is_away) return Refused{is.error().trouble, is.error().words};
    return std::nullopt;
  }
  auto change = make(*is);
  if (!change) return std::move(change.error());
  if (change->writes.empty() && is->revision != 0) return Done{is->revision, false};
  if (!store_.limits().allow(*change)) return TooLarge{change->writes.size()};
  sign(*change, attempt);
  attempt.sent = Commit{is->revision, std::move(*change)};
  return std::nullopt;
}

/// As resolve(), but by the store alone. It is sent again only where the store is as it was.
std::optional<Outcome> Committer::resolve_rewrite(Attempt& attempt) {
  const auto found = store_.find_change(attempt.id, attempt.sent->expected);
  const auto head = store_.head();
  attempt.words.clear();
  if (!found || !head) {
    attempt.words = found ? head.error().words : found.error().words;
    return std::nullopt;
  }
  if (*found) return done(attempt, **found);
  if (head->revision == attempt.sent->expected) return std::nullopt;
  attempt.sent.reset();
  attempt.may_be_written = false;
  return std::nullopt;
}

Outcome Committer::dry_rewrite(const Rewrite& make) {
  const auto is = store_.load();
  if (!is) return Refused{is.error().trouble, is.error().words};
  const auto change = make(*is);
  if (!change) return change.error();
  return Done{is->revision, !change->writes.empty()};
}

}  // namespace novaplane::store
