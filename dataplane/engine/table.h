#pragma once

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dataplane/base/delta_tracker.h"
#include "dataplane/engine/plan.h"

namespace novaplane::engine {

/// One kind of row: wanted and seen side by side (DeltaTracker), and which object wants each row.
/// Several objects may want one key: the one with the lowest rank has its way, the others wait
/// (several floating IPs on one fixed address: outbound uses the first of the document).
template <class Key, class Row>
class Table {
 public:
  struct Claim {
    Owner owner;
    std::uint64_t rank = 0;
    std::uint32_t pass = 0;  ///< of the compilation that made it, see sweep()
  };

  const DeltaTracker<Key, Row, Claim>& rows() const { return rows_; }
  void saw(const Key& key, Row row) { rows_.saw(key, std::move(row)); }
  void gone(const Key& key) { rows_.gone(key); }
  void forget_actual() { rows_.forget_actual(); }

  /// The claim that is in force, or null.
  const Claim* claim_of(const Key& key) const { return rows_.note(key); }

  void claim(Claim claim, const Key& key, Row row) {
    Claim* held = rows_.note(key);
    if (!held) {
      rows_.want(key, std::move(row)) = std::move(claim);
    } else if (*held->owner == *claim.owner) {
      renew(*held, claim);
      rows_.want(key, std::move(row));
    } else {
      wait(key, std::move(claim), std::move(row));
    }
    if (!waiting_.empty()) elect(key);
  }

  void release(const Object& owner, const Key& key) {
    const Claim* held = rows_.note(key);
    if (!held) return;
    if (*held->owner == owner) return succeed(key);
    const auto queue = waiting_.find(key);
    if (queue == waiting_.end()) return;
    std::erase_if(queue->second, [&](const Waiting& w) { return *w.claim.owner == owner; });
    if (queue->second.empty()) waiting_.erase(queue);
  }

  /// Releases every claim that was not renewed by compilation `pass`.
  void sweep(std::uint32_t pass) {
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      std::erase_if(it->second, [&](const Waiting& w) { return w.claim.pass != pass; });
      it = it->second.empty() ? waiting_.erase(it) : std::next(it);
    }
    std::vector<Key> ended;
    rows_.for_each_note([&](const Key& key, const Claim& claim) {
      if (claim.pass != pass) ended.push_back(key);
    });
    for (const Key& key : ended) succeed(key);
  }

 private:
  struct Waiting {
    Claim claim;
    Row row;
  };
  /// Keeps the owner's value where it stands, so that an object is in memory once.
  static void renew(Claim& held, const Claim& again) {
    held.rank = again.rank;
    held.pass = again.pass;
  }

  void wait(const Key& key, Claim claim, Row row) {
    auto& queue = waiting_[key];
    for (Waiting& w : queue) {
      if (*w.claim.owner == *claim.owner) {
        w = {std::move(claim), std::move(row)};
        return;
      }
    }
    queue.push_back({std::move(claim), std::move(row)});
  }

  static auto first_of(std::vector<Waiting>& queue) {
    return std::min_element(queue.begin(), queue.end(), [](const Waiting& a, const Waiting& b) {
      return a.claim.rank < b.claim.rank;
    });
  }

  /// The lowest rank holds the key.
  void elect(const Key& key) {
    const auto queue = waiting_.find(key);
    if (queue == waiting_.end()) return;
    const auto first = first_of(queue->second);
    Claim& holder = *rows_.note(key);
    if (first->claim.rank >= holder.rank) return;
    Row held = *rows_.desired(key);
    rows_.want(key, std::exchange(first->row, std::move(held)));
    std::swap(first->claim, holder);
  }

  /// The holder gives way to the next in rank, or the row is not wanted any more.
  void succeed(const Key& key) {
    const auto queue = waiting_.find(key);
    if (queue == waiting_.end()) return rows_.unwant(key);
    const auto first = first_of(queue->second);
    rows_.want(key, std::move(first->row)) = std::move(first->claim);
    queue->second.erase(first);
    if (queue->second.empty()) waiting_.erase(queue);
  }

  DeltaTracker<Key, Row, Claim> rows_;
  std::unordered_map<Key, std::vector<Waiting>> waiting_;
};

}  // namespace novaplane::engine
