#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/nft/batch.h"
#include "dataplane/nft/ruleset.h"

/// Elements as they travel. In a range's set (an rbtree) a range is two elements: its first value,
/// and the value after its last with NFT_SET_ELEM_INTERVAL_END; a range to the very end has no
/// second.
namespace novaplane::nft {

/// Null: nobody has declared it. Idle ones are found too.
const Set* find_set(const Ruleset&, SetName);

/// The elements of a transaction, sorted by set so that those of one set share messages.
struct ElementsBySet {
  std::vector<const Set*> sets;                    ///< in order of first use
  std::vector<std::vector<std::uint32_t>> by_set;  ///< indices into the transaction
  std::vector<std::uint32_t> written;              ///< indices in the order of the messages

  void clear();
  void add(const Set*, std::uint32_t index);

  /// Calls f(set, index, position in `written`).
  template <class F>
  void for_each(F&& f) {
    for (std::size_t i = 0; i < sets.size(); ++i) {
      for (const std::uint32_t index : by_set[i]) {
        written.push_back(index);
        f(*sets[i], index, written.size() - 1);
      }
    }
  }
};

/// Writes NEWSETELEM or DELSETELEM messages, up to some hundred elements each.
class ElementMessages {
 public:
  ElementMessages(Batch& batch, Batch::Subject::Kind kind) : batch_(batch), kind_(kind) {}

  /// `element` is null for a removal; `position` is its place in the order of messages.
  void put(const Set&, const ElementKey&, const Element*, std::size_t position);
  /// The key alone, into a set that packets write: it may be there, and the set's timeout counts.
  void note(const Set&, const ElementKey&, std::size_t position);
  void finish();

 private:
  enum class Existing { refused, kept };
  void start(const Set&, std::size_t position, Existing);
  void put_element(std::string_view key, bool end, std::string_view data, std::string_view comment,
                   std::string_view key_end = {});

  Batch& batch_;
  Batch::Subject::Kind kind_;
  const Set* set_ = nullptr;
  nlmsghdr* message_ = nullptr;
  nlattr* list_ = nullptr;
};

/// Which element of a message stands at that offset (NLMSGERR_ATTR_OFFS), counted from 0.
std::optional<std::size_t> element_at(const nlmsghdr*, std::size_t offset);

std::size_t count_elements(const nlmsghdr*);

/// One element of a message, borrowed from it.
struct RawElement {
  std::string_view key, data, comment;
  bool end = false;
  Limit limit = {};
  std::string_view key_end = {};  ///< of keys with ranges in their fields
  std::uint64_t packets = 0;      ///< of an element that counts
};
std::string_view set_of(const nlmsghdr*);
void for_each_element(const nlmsghdr*, const std::function<void(const RawElement&)>&);

/// An element of a set without ranges as a value.
std::pair<ElementKey, Element> to_value(const Set&, const RawElement&);

/// Collects the elements of a set with ranges, and joins them.
class Ranges {
 public:
  void add(const RawElement&);
  std::vector<std::pair<ElementKey, Element>> join(const Set&) &&;

 private:
  struct Bound {
    std::string key;
    bool start;
    std::string comment;
    auto operator<=>(const Bound&) const = default;
  };
  std::vector<Bound> bounds_;
};

}  // namespace novaplane::nft
