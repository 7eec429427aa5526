#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace novaplane::cloud {

/// A hash table of pointers to objects that lie elsewhere: 16 to 32 bytes an object, and nothing of
/// the key. Several objects may have one key, but not many. `hash_of` makes the hash of an object's
/// key; an object must not change while it is in the table.
template <class T, std::size_t (*hash_of)(const T&)>
class PointerTable {
 public:
  void insert(const T& object) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    place(&object);
    ++size_;
  }

  void erase(const T& object) {
    if (slots_.empty()) return;
    std::size_t at = home(object);
    while (slots_[at] != &object) {
      if (!slots_[at]) return;
      at = next(at);
    }
    --size_;
    close_gap(at);
  }

  /// The first object with that hash of its key that is the one; null: none is.
  template <class Matches>
  const T* find(std::size_t hash, Matches&& matches) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t at = hash & mask(); slots_[at]; at = next(at)) {
      if (matches(*slots_[at])) return slots_[at];
    }
    return nullptr;
  }

 private:
  static constexpr std::size_t kFewest = 16;

  std::size_t mask() const { return slots_.size() - 1; }
  std::size_t next(std::size_t at) const { return (at + 1) & mask(); }
  std::size_t home(const T& object) const { return hash_of(object) & mask(); }

  void place(const T* object) {
    std::size_t at = home(*object);
    while (slots_[at]) at = next(at);
    slots_[at] = object;
  }
  void grow() {
    std::vector<const T*> before(slots_.empty() ? kFewest : slots_.size() * 2);
    before.swap(slots_);
    for (const T* object : before) {
      if (object) place(object);
    }
  }
  /// What stands behind the gap moves up, where it may.
  void close_gap(std::size_t gap) {
    slots_[gap] = nullptr;
    for (std::size_t at = next(gap); slots_[at]; at = next(at)) {
      const std::size_t distance = (at - home(*slots_[at])) & mask();
      if (distance < ((at - gap) & mask())) continue;
      slots_[gap] = std::exchange(slots_[at], nullptr);
      gap = at;
    }
  }

  std::vector<const T*> slots_;
  std::size_t size_ = 0;
};

}  // namespace novaplane::cloud
