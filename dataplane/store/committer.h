#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/store/follower.h"

namespace novaplane::store {

/// Made again for each try, since the cloud may be another one by then.
struct Proposal {
  std::vector<cloud::ObjectEdit> edits;
  cloud::Findings findings;  ///< of reading them
};
/// Nothing more is asked of the store: a precondition (If-Match) does not hold, a pool is
/// exhausted.
struct Declined {
  std::string kind;   ///< a stable word: "precondition", "exhausted"
  std::string words;  ///< a sentence
};
using Propose = std::function<tl::expected<Proposal, Declined>(const Copy&)>;
/// A change of what the store has, whatever the copy has: without id, by, at, revision.
using Rewrite = std::function<tl::expected<Change, Declined>(const Snapshot& is)>;

struct Done {
  Revision revision = 0;
  bool written = true;                        ///< false: everything was so already
  std::vector<cloud::ObjectEdit> edits = {};  ///< as they are in the cloud: places, addresses
};
/// The cloud would not be valid.
struct Invalid {
  std::vector<cloud::Finding> findings;
};
/// Others were faster, all the time.
struct Crowded {
  unsigned tries = 0;
};
/// Not known whether it was written: the store was away when it should have told.
struct Unknown {
  std::string id;  ///< of the change, to be looked for later
  std::string words;
};
/// Not written: more than the store takes in one commit (Store::limits()).
struct TooLarge {
  std::size_t writes = 0;
};
/// Not written: the copy is held, or the store does not take it.
struct Refused {
  Trouble trouble = Trouble::unavailable;
  std::string words;
};
using Outcome = std::variant<Done, Invalid, Declined, Crowded, Unknown, TooLarge, Refused>;

/// Writes edits into the store, on the very state that they were validated on. Losers validate
/// again and retry after a random pause; an unclear answer is resolved by looking for one's own
/// change.
class Committer {
 public:
  struct Settings {
    Clock::duration patience = std::chrono::seconds(5);
    Clock::duration pause = std::chrono::milliseconds(5);  ///< times the tries, at most
    std::function<Clock::time_point()> now = Clock::now;
    std::function<void(Clock::duration)> sleep = {};  ///< none: this thread's
    std::function<std::string()> make_id = {};        ///< none: random
    std::function<std::int64_t()> wall_clock = {};    ///< none: the system's, ms since 1970
    std::uint64_t seed = std::random_device()();
  };

  Committer(Store& store, Copy& copy, Follower& follower);
  Committer(Store& store, Copy& copy, Follower& follower, Settings settings);

  /// `by`: who asks for it, for the history. When it is done, the copy has it.
  Outcome commit(const Propose& propose, const std::string& by);
  /// What commit() would do; nothing is written.
  Outcome dry_run(const Propose& propose);

  /// For a store that the copy may not follow: one that is empty, or was restored. The change has
  /// to be valid by itself.
  Outcome rewrite(const Rewrite& make, const std::string& by);
  Outcome dry_rewrite(const Rewrite& make);

 private:
  struct Attempt;
  using Try = std::function<std::optional<Outcome>(Attempt& attempt)>;
  Outcome try_often(const Try& try_once, const std::string& by);
  std::optional<Outcome> rewrite_once(const Rewrite& make, Attempt& attempt);
  std::optional<Outcome> prepare(const Rewrite& make, Attempt& attempt);
  std::optional<Outcome> resolve_rewrite(Attempt& attempt);
  void sign(Change& change, const Attempt& attempt) const;
  std::optional<Outcome> try_once(const Propose& propose, Attempt& attempt);
  std::optional<Outcome> prepare(const Propose& propose, Attempt& attempt);
  std::optional<Outcome> resolve(Attempt& attempt);
  std::optional<Outcome> send(Attempt& attempt);
  Outcome done(Attempt& attempt, Revision revision);
  Outcome give_up(const Attempt& attempt) const;
  void pause(unsigned tries);

  Store& store_;
  Copy& copy_;
  Follower& follower_;
  Settings settings_;
  std::mt19937_64 random_;
};

}  // namespace novaplane::store
