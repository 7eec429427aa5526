#pragma once

#include <functional>
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
    went_back,  ///< the store is at an older revision than the copy
    foreign,    ///< another store than that of the copy
    newer,      ///< a format above kFormat
    invalid,    ///< what is in it is no valid cloud for this version
    damaged,    ///< its own digest does not tell of what it holds
  };
  Reason reason = Reason::none;
  std::string words;  ///< a sentence for the log and for `show`

  bool holds() const { return reason != Reason::none; }
  /// Goes only when somebody says so: Follower::accept().
  bool needs_acceptance() const {
    return reason == Reason::empty || reason == Reason::went_back || reason == Reason::foreign;
  }
};

/// What came to the copy in one step.
struct Followed {
  cloud::Changes changes;
  Revision from = 0, to = 0;
  std::vector<Change> revisions;  ///< those that came as such; none: the whole cloud was loaded
  bool empty() const { return from == to; }
};

/// Makes the copy equal to the store, revision by revision. Deletes only what a change deletes or a
/// complete list does not have; never follows a store that is empty, older or another one.
class Follower {
 public:
  Follower(Store& store, Copy& copy) : store_(store), copy_(copy) {}

  /// Takes what there is, without waiting for more. Called when wait() returns, and as often as one
  /// likes.
  Followed follow();
  /// What keeps the copy behind, as of the last follow().
  const Hold& hold() const { return hold_; }
  /// From now on the store's cloud is the one, whatever the copy had: the next follow() loads it.
  void accept() { accepted_ = true; }

 private:
  Followed load();
  Store& store_;
  Copy& copy_;
  Hold hold_;
  bool accepted_ = false;
  bool must_load_ = true;
};

}  // namespace novaplane::store
