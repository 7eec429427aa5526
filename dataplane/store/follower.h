#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/store/copy.h"

namespace novaplane::store {

/// Why the copy does not follow the store. The copy stays as it is: the last good cloud is in
/// force.
struct Hold {
  enum class Reason : std::uint8_t {
    none,
    away,       ///< no answer; goes by itself
    empty,      ///< the store has nothing where the copy has something
    went_back,  ///< the store is at an older revision than the copy, or was once
    foreign,    ///< another store than that of the copy
    newer,      ///< a format above kFormat
    invalid,    ///< what is in it is no valid cloud for this version
    damaged,    ///< it does not hold what it says that it holds
  };
  Reason reason = Reason::none;
  std::string words;  ///< a sentence for the log and for `show`

  explicit operator bool() const { return reason != Reason::none; }
  /// Goes only when somebody says so: Follower::accept().
  bool needs_acceptance() const {
    return reason == Reason::empty || reason == Reason::went_back || reason == Reason::foreign;
  }
};
std::string_view to_string(Hold::Reason);
/// What is wrong with a list of the store, whatever a copy has; none: nothing.
Hold fault_of(const Snapshot& snapshot);

/// What came to the copy in one step.
struct Followed {
  cloud::Changes changes;
  Revision from = 0, to = 0;
  std::vector<Change> revisions;  ///< those that came as such; none: the whole cloud was loaded
  std::shared_ptr<const Snapshot> whole = nullptr;  ///< what was loaded; null: see begin()
};

/// Makes the copy equal to the store, revision by revision. Deletes only what a change deletes or a
/// complete list does not have; never follows a store that is empty, older or another one.
class Follower {
 public:
  /// Told of each step, within follow(); the copy is at Followed::to by then.
  using Sink = std::function<void(const Followed&)>;
  Follower(Store& store, Copy& copy, Sink sink = {})
      : store_(store), copy_(copy), sink_(std::move(sink)) {}

  /// Fills an empty copy with what this host kept of the store (Replica), whatever the store has;
  /// it is followed from there. Fails, and the copy stays empty, with the sentence that says why it
  /// is no valid cloud for this version.
  tl::expected<void, std::string> begin(const Snapshot& kept);
  /// Takes what there is, without waiting for more: after Store::wait(), and whenever one likes.
  const Hold& follow();
  /// Waits until the store may have something else than at the last follow(), or until that time,
  /// or until somebody interrupts the store. Also where the copy is held: what cannot be taken is
  /// no reason to look again at once.
  void wait(Clock::time_point until);
  /// What keeps the copy behind, as of the last follow().
  const Hold& hold() const { return hold_; }
  /// When the copy was last known to be what the store has; min(): never.
  Clock::time_point good_at() const { return good_at_; }
  /// From now on the store's cloud is the one, whatever the copy has: the next follow() loads it.
  void accept() { is_accepted_ = must_load_ = true; }

 private:
  bool continues(const Head& head) const;
  bool take_changes(const Head& head);
  bool take(const Change& change);
  void load(const Head& head);
  void load_freed();
  /// Why the snapshot may not take the place of the copy.
  Hold objection(const Snapshot& snapshot);
  bool is_still_held(const Head& head) const;
  /// Whether the store's history has the revision that the copy is at.
  Answer<bool> shares_history();

  Store& store_;
  Copy& copy_;
  Sink sink_;
  Hold hold_;
  Head seen_;     ///< where the store was at the last follow()
  Head held_at_;  ///< where the store was when it could not be taken
  Clock::time_point good_at_ = Clock::time_point::min();
  bool is_accepted_ = false;
  bool must_load_ = true;
  bool must_load_freed_ = false;
};

}  // namespace novaplane::store
