#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>

namespace novaplane {

/// Wanted and seen rows side by side, and the keys where they differ, kept up to date in O(1) per
/// change. The only diff in the program: what is pending is what is to be added (wanted, not
/// seen), changed (both, unequal) or removed (seen, not wanted).
///
/// A wanted row carries a note, which is no part of the difference (who wants it).
template <class Key, class Row, class Note = std::monostate, class Hash = std::hash<Key>>
class DeltaTracker {
 public:
  /// Returns the row's note: a new one, or the one that it had.
  Note& want(const Key& key, Row row) {
    Pair& pair = *rows_.try_emplace(key).first;
    Sides& sides = pair.second;
    if (sides.seen && row == sides.actual()) {
      sides.merge();
    } else {
      if (sides.seen && !sides.differing) sides.split();
      sides.row = std::move(row);
    }
    sides.wanted = true;
    settle(pair);
    return sides.note;
  }

  void unwant(const Key& key) {
    const auto it = rows_.find(key);
    if (it == rows_.end() || !it->second.wanted) return;
    it->second.merge();
    it->second.note = {};
    it->second.wanted = false;
    settle_or_erase(it);
  }

  void saw(const Key& key, Row row) {
    Pair& pair = *rows_.try_emplace(key).first;
    Sides& sides = pair.second;
    if (!sides.wanted) {
      sides.row = std::move(row);
    } else if (row == sides.row) {
      sides.differing.reset();
    } else {
      sides.differing = std::make_unique<Row>(std::move(row));
    }
    sides.seen = true;
    settle(pair);
  }

  void gone(const Key& key) {
    const auto it = rows_.find(key);
    if (it != rows_.end()) forget(it);
  }

  const Row* desired(const Key& key) const {
    const auto it = rows_.find(key);
    return it != rows_.end() ? it->second.desired_or_null() : nullptr;
  }
  const Row* actual(const Key& key) const {
    const auto it = rows_.find(key);
    return it != rows_.end() ? it->second.actual_or_null() : nullptr;
  }
  /// Null: the row is not wanted.
  const Note* note(const Key& key) const {
    const auto it = rows_.find(key);
    return it != rows_.end() && it->second.wanted ? &it->second.note : nullptr;
  }
  Note* note(const Key& key) { return const_cast<Note*>(std::as_const(*this).note(key)); }

  bool is_pending(const Key& key) const {
    const auto it = rows_.find(key);
    return it != rows_.end() && it->second.differ();
  }
  std::size_t pending() const { return pending_.size(); }
  std::size_t size() const { return rows_.size(); }

  /// Calls f(key, desired or nullptr, actual or nullptr) for each difference, in no order.
  template <class F>
  void for_each_pending(F&& f) const {
    for (const Pair* pair : pending_) visit(*pair, f);
  }
  template <class F>
  void for_each(F&& f) const {
    for (const Pair& pair : rows_) visit(pair, f);
  }
  /// Calls f(key, note) for each wanted row.
  template <class F>
  void for_each_note(F&& f) const {
    for (const auto& [key, sides] : rows_) {
      if (sides.wanted) f(key, sides.note);
    }
  }

  /// Before a new listing: nothing is seen any more.
  void forget_actual() {
    for (auto it = rows_.begin(); it != rows_.end();) it = forget(it);
  }

 private:
  /// Where wanted and seen agree, which is nearly everywhere, the row is kept once.
  struct Sides {
    Row row{};                       ///< the wanted one; the seen one where none is wanted
    std::unique_ptr<Row> differing;  ///< the seen one where another is wanted
    [[no_unique_address]] Note note{};
    bool wanted = false, seen = false;

    const Row& actual() const { return differing ? *differing : row; }
    const Row* desired_or_null() const { return wanted ? &row : nullptr; }
    const Row* actual_or_null() const { return seen ? &actual() : nullptr; }
    bool differ() const { return wanted != seen || differing; }
    void split() { differing = std::make_unique<Row>(std::move(row)); }
    void merge() {
      if (differing) row = std::move(*std::exchange(differing, nullptr));
    }
  };
  using Rows = std::unordered_map<Key, Sides, Hash>;
  using Pair = typename Rows::value_type;  // stays where it is until it is erased

  void settle(const Pair& pair) {
    if (pair.second.differ()) {
      pending_.insert(&pair);
    } else {
      pending_.erase(&pair);
    }
  }

  typename Rows::iterator settle_or_erase(typename Rows::iterator it) {
    if (it->second.wanted || it->second.seen) {
      settle(*it);
      return std::next(it);
    }
    pending_.erase(&*it);
    return rows_.erase(it);
  }

  typename Rows::iterator forget(typename Rows::iterator it) {
    if (it->second.wanted) it->second.differing.reset();
    it->second.seen = false;
    return settle_or_erase(it);
  }

  template <class F>
  static void visit(const Pair& pair, F&& f) {
    f(pair.first, pair.second.desired_or_null(), pair.second.actual_or_null());
  }

  Rows rows_;
  std::unordered_set<const Pair*> pending_;
};

}  // namespace novaplane
