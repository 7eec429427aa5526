#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace novaplane {

/// Wanted and seen rows side by side, and the keys where they differ, kept up to date in O(1) per
/// change. The only diff in the program: what is pending is what is to be added (wanted, not
/// seen), changed (both, unequal) or removed (seen, not wanted).
template <class Key, class Row, class Hash = std::hash<Key>>
class DeltaTracker {
 public:
  void want(const Key& key, Row row) { update(key, &Pair::desired, std::move(row)); }
  void unwant(const Key& key) { update(key, &Pair::desired, std::nullopt); }
  void saw(const Key& key, Row row) { update(key, &Pair::actual, std::move(row)); }
  void gone(const Key& key) { update(key, &Pair::actual, std::nullopt); }

  const Row* desired(const Key& key) const { return find(key, &Pair::desired); }
  const Row* actual(const Key& key) const { return find(key, &Pair::actual); }
  bool is_pending(const Key& key) const { return pending_.contains(key); }
  std::size_t pending() const { return pending_.size(); }
  std::size_t size() const { return rows_.size(); }

  /// Calls f(key, desired or nullptr, actual or nullptr) for each difference, in no order.
  template <class F>
  void for_each_pending(F&& f) const {
    for (const Key& key : pending_) visit(*rows_.find(key), f);
  }
  template <class F>
  void for_each(F&& f) const {
    for (const auto& entry : rows_) visit(entry, f);
  }

  /// Before a new listing: nothing is seen any more.
  void forget_actual() {
    for (auto it = rows_.begin(); it != rows_.end();) {
      it->second.actual.reset();
      it = settle(it);
    }
  }

 private:
  struct Pair {
    std::optional<Row> desired, actual;
  };
  using Side = std::optional<Row> Pair::*;
  using Rows = std::unordered_map<Key, Pair, Hash>;

  void update(const Key& key, Side side, std::optional<Row> row) {
    if (!row && !rows_.contains(key)) return;
    const auto it = rows_.try_emplace(key).first;
    it->second.*side = std::move(row);
    settle(it);
  }

  /// Puts the pair into, or takes it out of, the pending set; an empty pair goes.
  typename Rows::iterator settle(typename Rows::iterator it) {
    const Pair& pair = it->second;
    if (pair.desired == pair.actual) {
      pending_.erase(it->first);
    } else {
      pending_.insert(it->first);
    }
    return pair.desired || pair.actual ? std::next(it) : rows_.erase(it);
  }

  const Row* find(const Key& key, Side side) const {
    const auto it = rows_.find(key);
    return it != rows_.end() && it->second.*side ? &*(it->second.*side) : nullptr;
  }

  template <class F>
  static void visit(const typename Rows::value_type& entry, F&& f) {
    const auto& [key, pair] = entry;
    f(key, pair.desired ? &*pair.desired : nullptr, pair.actual ? &*pair.actual : nullptr);
  }

  Rows rows_;
  std::unordered_set<Key, Hash> pending_;
};

}  // namespace novaplane
