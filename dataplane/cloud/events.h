#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string_view>

namespace novaplane::cloud {

/// A place in a document; lines and columns (in bytes) count from 1. 0:0 is no place.
struct Place {
  int line = 0, column = 0;
  auto operator<=>(const Place&) const = default;
};

/// What a reader of YAML meets, in the order of the text. Views live until the sink returns.
struct Event {
  enum class Kind : std::uint8_t { scalar, null, open_map, close_map, open_list, close_list };
  Kind kind = Kind::null;
  Place place;            ///< none for the closing ones
  std::string_view text;  ///< a scalar's
  bool quoted = false;    ///< "1450" in quotes is text, not a number

  bool opens() const { return kind == Kind::open_map || kind == Kind::open_list; }
  bool closes() const { return kind == Kind::close_map || kind == Kind::close_list; }
};

using EventSink = std::function<void(const Event&)>;

}  // namespace novaplane::cloud
