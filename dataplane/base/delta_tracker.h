#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

namespace novaplane {

/// Counts nothing.
template <class Key>
struct NoTally {
  void add(const Key&) {}
  void remove(const Key&) {}
};

/// Wanted and seen rows side by side, and the keys where they differ, kept up to date in O(1) per
/// change. The only diff in the program: what is pending is what is to be added (wanted, not
/// seen), changed (both, unequal) or removed (seen, not wanted).
///
/// A wanted row carries a note, which is no part of the difference (who wants it). The tally is
/// told of each key that comes and goes.
template <class Key, class Row, class Note = std::monostate, class Hash = std::hash<Key>,
          class Tally = NoTally<Key>>
class DeltaTracker {
  struct Sides;

 public:
  DeltaTracker() = default;
  DeltaTracker(const DeltaTracker&) = delete;  // its lists point into its rows

  /// Makes room for that many keys, so that they need not be hung elsewhere as they come.
  void reserve(std::size_t keys) {
    rows_.reserve(keys);
    listed_[kPending].reserve(keys);
  }

  /// A key's place, for several changes with one look-up. It stays until it is neither wanted nor
  /// seen; a new one has to be wanted at once.
  using Pair = std::pair<const Key, Sides>;
  Pair& place(const Key& key) {
    const auto [pair, is_new] = rows_.try_emplace(key);
    if (is_new) tally_.add(key);
    return *pair;
  }
  Pair* find(const Key& key) {
    const auto it = rows_.find(key);
    return it != rows_.end() ? &*it : nullptr;
  }
  const Pair* find(const Key& key) const { return const_cast<DeltaTracker*>(this)->find(key); }

  /// Returns the row's note: a new one, or the one that it had.
  Note& set_desired(const Key& key, Row row) { return set_desired(place(key), std::move(row)); }
  Note& set_desired(Pair& pair, Row row) {
    Sides& sides = pair.second;
    const bool is_seen = sides.seen && row == sides.actual();
    if (is_seen) sides.differing.reset();
    if (sides.seen && !is_seen && !sides.differing) sides.split();
    sides.row = std::move(row);  // of two that are equal too: it may share memory with others
    sides.wanted = true;
    settle(pair);
    return sides.note;
  }

  void remove_desired(const Key& key) {
    if (Pair* pair = find(key)) remove_desired(*pair);
  }
  void remove_desired(Pair& pair) {
    if (!pair.second.wanted) return;
    pair.second.merge();
    pair.second.note = {};
    pair.second.wanted = false;
    settle(pair);
  }

  /// A row that is seen as it is wanted is not kept a second time.
  template <class R = Row>
  void set_actual(const Key& key, R&& row) {
    Pair* const last = listed_[kPending].empty() ? nullptr : listed_[kPending].back();
    // Differences are settled from the last one on: often it is this one.
    Pair& pair = last && last->first == key ? *last : place(key);
    Sides& sides = pair.second;
    if (!sides.wanted) {
      sides.row = std::forward<R>(row);
    } else if (row == sides.row) {
      sides.differing.reset();
    } else {
      sides.differing = std::make_unique<Row>(std::forward<R>(row));
    }
    sides.seen = true;
    settle(pair);
  }

  void remove_actual(const Key& key) {
    if (Pair* pair = find(key)) forget(*pair);
  }

  const Row* desired(const Key& key) const {
    const Pair* pair = find(key);
    return pair ? pair->second.desired_or_null() : nullptr;
  }
  const Row* actual(const Key& key) const {
    const Pair* pair = find(key);
    return pair ? pair->second.actual_or_null() : nullptr;
  }
  /// Null: the row is not wanted.
  static const Note* note(const Pair* pair) {
    return pair && pair->second.wanted ? &pair->second.note : nullptr;
  }
  static Note* note(Pair* pair) {
    return pair && pair->second.wanted ? &pair->second.note : nullptr;
  }
  const Note* note(const Key& key) const { return note(find(key)); }

  Tally& tally() { return tally_; }
  std::size_t pending() const { return listed_[kPending].size(); }
  std::size_t size() const { return rows_.size(); }

  /// A difference that cannot be settled now is passed over until something about its row is wanted
  /// or seen again: a thousand rows that wait cost nothing to the one that changes.
  void park(const Key& key) {
    Pair* pair = find(key);
    if (pair && pair->second.list == kPending) move(*pair, kParked);
  }

  /// Calls f(key, desired or nullptr, actual or nullptr) for each difference that is not parked, in
  /// no order; and with the note, if f takes it, which is empty where nothing is wanted.
  template <class F>
  void for_each_pending(F&& f) const {
    for (const Pair* pair : listed_[kPending]) {
      const auto& [key, sides] = *pair;
      if constexpr (std::invocable<F, const Key&, const Row*, const Row*, const Note&>) {
        f(key, sides.desired_or_null(), sides.actual_or_null(), sides.note);
      } else {
        f(key, sides.desired_or_null(), sides.actual_or_null());
      }
    }
  }
  /// Calls f(key, note) for each that is, and is wanted.
  template <class F>
  void for_each_parked(F&& f) const {
    for (const Pair* pair : listed_[kParked]) {
      if (pair->second.wanted) f(pair->first, pair->second.note);
    }
  }
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [key, sides] : rows_) f(key, sides.desired_or_null(), sides.actual_or_null());
  }
  /// Calls f(pair, note) for each wanted row.
  template <class F>
  void for_each_note(F&& f) {
    for (Pair& pair : rows_) {
      if (pair.second.wanted) f(pair, pair.second.note);
    }
  }

  /// Before a new listing: nothing is seen any more.
  void forget_actual() {
    for (auto it = rows_.begin(); it != rows_.end();) forget(*it++);
  }

 private:
  static constexpr std::size_t kWorthKeeping =
      1024;  ///< room for differences, while there are none
  enum List : std::uint8_t { kPending, kParked, kNone };

  /// Where wanted and seen agree, which is nearly everywhere, the row is kept once.
  struct Sides {
    Row row{};                       ///< the wanted one; the seen one where none is wanted
    std::unique_ptr<Row> differing;  ///< the seen one where another is wanted
    [[no_unique_address]] Note note{};
    bool wanted = false, seen = false;
    List list = kNone;
    std::uint32_t index = 0;  ///< in its list

    const Row& actual() const { return differing ? *differing : row; }
    const Row* desired_or_null() const { return wanted ? &row : nullptr; }
    const Row* actual_or_null() const { return seen ? &actual() : nullptr; }
    bool differ() const { return wanted != seen || differing; }
    void split() { differing = std::make_unique<Row>(std::move(row)); }
    void merge() {
      if (differing) row = std::move(*std::exchange(differing, nullptr));
    }
  };

  /// Lists the pair as pending or not; one that is neither wanted nor seen goes.
  void settle(Pair& pair) {
    move(pair, pair.second.differ() ? kPending : kNone);
    if (pair.second.wanted || pair.second.seen) return;
    tally_.remove(pair.first);
    rows_.erase(rows_.find(pair.first));
  }

  void forget(Pair& pair) {
    if (pair.second.wanted) pair.second.differing.reset();
    pair.second.seen = false;
    settle(pair);
  }

  /// The last of a list takes the place of the one that leaves.
  void move(Pair& pair, List to) {
    Sides& sides = pair.second;
    if (sides.list == to) return;
    if (sides.list != kNone) {
      auto& from = listed_[sides.list];
      from[sides.index] = from.back();
      from[sides.index]->second.index = sides.index;
      from.pop_back();
      if (from.empty() && from.capacity() > kWorthKeeping) from.shrink_to_fit();
    }
    sides.list = to;
    if (to == kNone) return;
    sides.index = static_cast<std::uint32_t>(listed_[to].size());
    listed_[to].push_back(&pair);
  }

  std::unordered_map<Key, Sides, Hash> rows_;     // its nodes never move
  std::array<std::vector<Pair*>, kNone> listed_;  ///< pending and parked
  [[no_unique_address]] Tally tally_;
};

}  // namespace novaplane
