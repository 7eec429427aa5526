#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dataplane/base/boxed.h"
#include "dataplane/engine/phase.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/netlink/request.h"

/// What a kind of kernel object is to tables, plan, words, log and summary, which know none by
/// name.
///
/// A kind is a pair of files in this folder and a line in kinds.h. Its header has the key and the
/// row, plain values with a defaulted `==`, the same whether they come from the document or from
/// the kernel; and a class of static members only:
///
/// - `Key`, `Row`, with `std::hash<Key>`;
/// - `kNoun`, for summaries;
/// - `kAdd`, `kRemove`: the phases in which a row comes (or changes), and goes; without the latter
///   no step removes a row;
/// - `subject(key)`: the row in words, the same whatever happens to it;
/// - `text(key, row)`: what it says, as `ip`, `bridge` or `tc` has it;
/// - `difference(before, after)`: why it changes;
///
/// and what differs from the defaults below, in planning.h, requests.h, apply.h and kernel_view.h.
namespace novaplane::netlink {
enum class Listing : std::uint8_t;
}

namespace novaplane::engine {

/// How to ask the kernel for all of a kind: an rtnetlink request with NLM_F_DUMP, and the family of
/// the answers.
struct Question {
  netlink::Request request;
  int family;
};

/// Links as last seen, by their names.
using KnownLinks = std::unordered_map<std::string, netlink::Link>;

class KernelView;
class Planning;
class Requests;
struct ApplyContext;
struct Object;
struct Tables;
struct Work;

/// Does all steps of a phase.
struct Runner {
  Phase phase;
  void (*run)(ApplyContext&, const Work&);
  bool in_slices = false;  ///< a few steps at once, where something else may come in between
};

/// Whoever wants a row; null when nothing of the document does. Shared by all rows of an object.
using Owner = std::shared_ptr<const Object>;

/// "1 route", "3 routes".
struct Noun {
  std::string_view one, many;
  bool operator==(const Noun&) const = default;
};

/// What has happened to rows, for summaries. A kind may have `kVerbs` of its own.
struct Verbs {
  std::string_view added = "added", removed = "removed", changed = "changed";
};

template <class Key, class Row>
using RowList = std::vector<std::pair<Key, Row>>;

/// A difference of one row: before without after is a removal, after without before an addition.
/// Boxed, so that the rare large row does not make every step of a long plan as large.
template <class Key, class Row>
struct Change {
  Key key;
  Boxed<Row> before, after;
  bool operator==(const Change&) const = default;
};
template <class K>
using ChangeOf = Change<typename K::Key, typename K::Row>;

// --- words

template <class Key, class Row>
std::string_view verb(const Change<Key, Row>& change) {
  return change.before && change.after ? "change" : change.after ? "add" : "remove";
}

/// "add route 203.0.113.10/32 dev lo"
template <class K>
std::string what_of(const ChangeOf<K>& change) {
  if constexpr (requires { K::what(change); }) {
    return K::what(change);
  } else {
    const std::string row = change.after ? K::text(change.key, *change.after) : "";
    return fmt::format("{} {}{}{}", verb(change), K::subject(change.key), row.empty() ? "" : " ",
                       row);
  }
}

/// "mtu was 1500, wanted 1450"
template <class K>
std::string reason_of(const ChangeOf<K>& change) {
  if constexpr (requires { K::reason(change); }) {
    return K::reason(change);
  } else {
    if (!change.after) return "not wanted any more";
    return change.before ? K::difference(*change.before, *change.after) : "missing";
  }
}

template <class K>
Noun noun_of(const ChangeOf<K>& change) {
  if constexpr (requires { K::noun(change); }) {
    return K::noun(change);
  } else {
    return K::kNoun;
  }
}

template <class K>
std::string_view past_of(const ChangeOf<K>& change) {
  Verbs verbs;
  if constexpr (requires { K::kVerbs; }) verbs = K::kVerbs;
  return change.before && change.after ? verbs.changed : change.after ? verbs.added : verbs.removed;
}

/// Appends "mtu was 1500, wanted 1450" where the two differ.
template <class T>
void compare(std::string& text, std::string_view word, const T& before, const T& after) {
  if (before == after) return;
  text += fmt::format("{}{} was {}, wanted {}", text.empty() ? "" : ", ", word, before, after);
}

inline std::string_view on_off(bool value) { return value ? "on" : "off"; }

/// " via 192.0.2.1"; of none: nothing.
template <class T>
std::string optional_word(std::string_view word, const std::optional<T>& value) {
  return value ? fmt::format(" {} {}", word, *value) : "";
}

template <class T>
std::string text_or_none(const std::optional<T>& value) {
  return value ? fmt::format("{}", *value) : "none";
}

}  // namespace novaplane::engine
