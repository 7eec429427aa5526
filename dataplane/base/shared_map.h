#pragma once

#include <bit>
#include <cstddef>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <utility>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

namespace novaplane {

/// A hash map whose copies share their elements. A copy costs a pointer for some ten elements, and
/// an edit afterwards what it changes: the element, and the pointers to its neighbours. Copies may
/// be read, edited and destroyed by different threads. A reference to an element is good until that
/// element is edited or erased in this map.
template <class Key, class T>
class SharedMap {
 public:
  using key_type = Key;
  using mapped_type = T;
  using value_type = std::pair<const Key, T>;

 private:
  struct Element : boost::intrusive_ref_counter<Element> {
    template <class... Arguments>
    explicit Element(Arguments&&... arguments) : value(std::forward<Arguments>(arguments)...) {}
    value_type value;
  };
  struct Place {
    std::size_t hash = 0;
    boost::intrusive_ptr<Element> element;
  };
  /// Elements whose hashes begin alike, in no order.
  struct Part : boost::intrusive_ref_counter<Part> {
    std::vector<Place> places;
  };
  using Parts = std::vector<boost::intrusive_ptr<Part>>;

 public:
  class const_iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = SharedMap::value_type;
    using difference_type = std::ptrdiff_t;
    using pointer = const value_type*;
    using reference = const value_type&;

    const_iterator() = default;
    reference operator*() const { return (*parts_)[part_]->places[place_].element->value; }
    pointer operator->() const { return &**this; }
    const_iterator& operator++() {
      ++place_;
      skip();
      return *this;
    }
    const_iterator operator++(int) {
      const_iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const const_iterator& other) const {
      return part_ == other.part_ && place_ == other.place_;
    }

   private:
    friend SharedMap;
    const_iterator(const Parts& parts, std::size_t part, std::size_t place)
        : parts_(&parts), part_(part), place_(place) {
      skip();
    }
    /// To the next element, or the end: behind the last part.
    void skip() {
      while (part_ < parts_->size() &&
             (!(*parts_)[part_] || place_ == (*parts_)[part_]->places.size())) {
        ++part_;
        place_ = 0;
      }
    }

    const Parts* parts_ = nullptr;
    std::size_t part_ = 0, place_ = 0;
  };
  using iterator = const_iterator;

  SharedMap() = default;
  SharedMap(std::initializer_list<value_type> values) {
    for (const value_type& value : values) try_emplace(value.first, value.second);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  const_iterator begin() const { return {parts_, 0, 0}; }
  const_iterator end() const { return {parts_, parts_.size(), 0}; }

  const_iterator find(const Key& key) const {
    if (parts_.empty()) return end();
    const std::size_t hash = hash_of(key), part = part_of(hash);
    const std::size_t place = place_of(part, hash, key);
    return place == kNone ? end() : const_iterator(parts_, part, place);
  }
  bool contains(const Key& key) const { return find(key) != end(); }
  std::size_t count(const Key& key) const { return contains(key) ? 1 : 0; }
  const T& at(const Key& key) const {
    const auto found = find(key);
    if (found == end()) throw std::out_of_range("SharedMap::at");
    return found->second;
  }

  void reserve(std::size_t size) {
    if (size > parts_.size() * kMostInPart) spread(std::bit_ceil(size / kMostInPart + 1));
  }
  void clear() { *this = {}; }

  /// The element to be changed, which from then on is this map's alone; made if there is none.
  T& operator[](const Key& key) { return own(try_emplace(key).first).second; }
  /// The same; throws if there is none.
  T& edit(const Key& key) {
    const auto found = find(key);
    if (found == end()) throw std::out_of_range("SharedMap::edit");
    return own(found).second;
  }
  /// Does something with each element as one that is this map's alone: `(const Key&, T&)`.
  template <class Do>
  void edit_each(Do&& act) {
    for (auto it = begin(); it != end(); ++it) {
      auto& [key, value] = own(it);
      act(key, value);
    }
  }

  template <class... Arguments>
  std::pair<const_iterator, bool> try_emplace(const Key& key, Arguments&&... arguments) {
    if (const auto found = find(key); found != end()) return {found, false};
    boost::intrusive_ptr<Element> element(
        new Element(std::piecewise_construct, std::forward_as_tuple(key),
                    std::forward_as_tuple(std::forward<Arguments>(arguments)...)));
    reserve(size_ + 1);
    const std::size_t hash = hash_of(key), part = part_of(hash);
    auto& places = own_part(part).places;
    places.push_back({hash, std::move(element)});
    ++size_;
    return {const_iterator(parts_, part, places.size() - 1), true};
  }
  template <class Value>
  std::pair<const_iterator, bool> emplace(const Key& key, Value&& value) {
    return try_emplace(key, std::forward<Value>(value));
  }
  /// The key may be a part of the value.
  template <class Value>
  void insert_or_assign(const Key& key, Value&& value) {
    const auto found = find(key);
    if (found == end()) {
      try_emplace(Key(key), std::forward<Value>(value));
      return;
    }
    own_part(found.part_).places[found.place_].element =
        new Element(found->first, std::forward<Value>(value));
  }
  std::size_t erase(const Key& key) {
    const auto found = find(key);
    if (found == end()) return 0;
    erase(found);
    return 1;
  }
  void erase(const_iterator found) {
    auto& places = own_part(found.part_).places;
    std::swap(places[found.place_], places.back());
    places.pop_back();
    --size_;
  }

  friend bool operator==(const SharedMap& a, const SharedMap& b) {
    if (a.size_ != b.size_) return false;
    for (const auto& [key, value] : a) {
      const auto other = b.find(key);
      if (other == b.end() || (&other->second != &value && !(other->second == value))) return false;
    }
    return true;
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};
  static constexpr std::size_t kMostInPart = 16;  ///< on average

  /// The parts are chosen by the upper bits, which std::hash of a number leaves alone.
  static std::size_t hash_of(const Key& key) { return std::hash<Key>{}(key)*0x9e3779b97f4a7c15; }
  std::size_t part_of(std::size_t hash) const {
    return hash >> 32 & (parts_.size() - 1);  // a power of two
  }
  std::size_t place_of(std::size_t part, std::size_t hash, const Key& key) const {
    if (!parts_[part]) return kNone;
    const auto& places = parts_[part]->places;
    for (std::size_t i = 0; i < places.size(); ++i) {
      if (places[i].hash == hash && places[i].element->value.first == key) return i;
    }
    return kNone;
  }

  Part& own_part(std::size_t part) {
    auto& held = parts_[part];
    if (!held) {
      held = new Part;
    } else if (held->use_count() > 1) {
      held = new Part(*held);
    }
    return *held;
  }
  value_type& own(const_iterator found) {
    auto& element = own_part(found.part_).places[found.place_].element;
    if (element->use_count() > 1) element = new Element(element->value);
    return element->value;
  }
  void spread(std::size_t parts) {
    Parts before(parts);
    before.swap(parts_);
    for (const auto& part : before) {
      if (!part) continue;
      for (const Place& place : part->places) {
        own_part(part_of(place.hash)).places.push_back(place);
      }
    }
  }

  Parts parts_;
  std::size_t size_ = 0;
};

}  // namespace novaplane
