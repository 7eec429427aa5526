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
template <class Key, class Row, class Tally = NoTally<Key>>
class Table {
 public:
  struct Claim {
    Owner owner;
    std::uint64_t rank = 0;
    std::uint32_t pass = 0;     ///< of the compilation that made it, see sweep()
    bool is_contested = false;  ///< others wait for the key
  };
  using Rows = DeltaTracker<Key, Row, Claim, std::hash<Key>, Tally>;

  const Rows& rows() const { return rows_; }
  template <class R = Row>
  void set_actual(const Key& key, R&& row) {
    rows_.set_actual(key, std::forward<R>(row));
  }
  void remove_actual(const Key& key) { rows_.remove_actual(key); }
  void forget_actual() { rows_.forget_actual(); }
  /// Of all rows that are seen, those whose key `is`.
  template <class Is>
  void remove_actual_where(Is&& is) {
    std::vector<Key> keys;
    rows_.for_each([&](const Key& key, const Row*, const Row* actual) {
      if (actual && is(key)) keys.push_back(key);
    });
    for (const Key& key : keys) rows_.remove_actual(key);
  }
  void park(const Key& key) { rows_.park(key); }
  void reserve(std::size_t keys) { rows_.reserve(keys); }

  Tally& tally() { return rows_.tally(); }  ///< of the keys that are wanted or seen

  /// The claim that is in force, or null.
  const Claim* claim_of(const Key& key) const { return rows_.note(key); }

  void claim(Claim claim, const Key& key, Row row) {
    Place& place = rows_.place(key);
    Claim* held = Rows::note(&place);
    if (!held) {
      rows_.set_desired(place, std::move(row)) = std::move(claim);
      return;
    }
    if (*held->owner == *claim.owner) {
      renew(*held, claim);
      rows_.set_desired(place, std::move(row));
    } else {
      wait(place, std::move(claim), std::move(row));
    }
    if (held->is_contested) elect(place);
  }

  void release(const Object& owner, const Key& key) {
    Place* place = rows_.find(key);
    Claim* held = Rows::note(place);
    if (!held) return;
    if (*held->owner == owner) return succeed(*place);
    if (!held->is_contested) return;
    remove_waiting(*place, [&](const Waiting& w) { return *w.claim.owner == owner; });
  }

  /// Releases every claim that was not renewed by compilation `pass`.
  void sweep(std::uint32_t pass) {
    const auto ended = [&](const Claim& claim) { return claim.pass != pass; };
    std::vector<Place*> ended_places;
    rows_.for_each_note([&](Place& place, const Claim& held) {
      if (held.is_contested) {
        remove_waiting(place, [&](const Waiting& w) { return ended(w.claim); });
      }
      if (ended(held)) ended_places.push_back(&place);
    });
    for (Place* place : ended_places) succeed(*place);
  }

 private:
  using Place = typename Rows::Pair;
  struct Waiting {
    Claim claim;
    Row row;
  };
  using Queues = std::unordered_map<Key, std::vector<Waiting>>;

  /// Keeps the owner's value where it stands, so that an object is in memory once.
  static void renew(Claim& held, const Claim& again) {
    held.rank = again.rank;
    held.pass = again.pass;
  }

  void wait(Place& place, Claim claim, Row row) {
    Rows::note(&place)->is_contested = true;
    auto& queue = waiting_[place.first];
    for (Waiting& w : queue) {
      if (*w.claim.owner == *claim.owner) {
        w = {std::move(claim), std::move(row)};
        return;
      }
    }
    // Ten floating IPs of each port wait for one key each: half of a vector is not left empty.
    if (queue.size() == queue.capacity()) queue.reserve(queue.size() + queue.size() / 4 + 1);
    queue.push_back({std::move(claim), std::move(row)});
  }

  template <class Ends>
  void remove_waiting(Place& place, Ends&& ends) {
    const auto queue = waiting_.find(place.first);
    std::erase_if(queue->second, ends);
    close_if_empty(queue, *Rows::note(&place));
  }

  void close_if_empty(typename Queues::iterator queue, Claim& holder) {
    holder.is_contested = !queue->second.empty();
    if (queue->second.empty()) waiting_.erase(queue);
  }

  static auto first_of(std::vector<Waiting>& queue) {
    return std::min_element(queue.begin(), queue.end(), [](const Waiting& a, const Waiting& b) {
      return a.claim.rank < b.claim.rank;
    });
  }

  /// The lowest rank holds the key.
  void elect(Place& place) {
    const auto first = first_of(waiting_.find(place.first)->second);
    Claim& holder = *Rows::note(&place);
    if (first->claim.rank >= holder.rank) return;
    Row held = *place.second.desired_or_null();
    rows_.set_desired(place, std::exchange(first->row, std::move(held)));
    std::swap(first->claim, holder);
    holder.is_contested = true;
  }

  /// The holder gives way to the next in rank, or the row is not wanted any more.
  void succeed(Place& place) {
    if (!Rows::note(&place)->is_contested) return rows_.remove_desired(place);
    const auto queue = waiting_.find(place.first);
    const auto first = first_of(queue->second);
    Claim& holder = rows_.set_desired(place, std::move(first->row));
    holder = std::move(first->claim);
    queue->second.erase(first);
    close_if_empty(queue, holder);
  }

  Rows rows_;
  Queues waiting_;
};

}  // namespace novaplane::engine
