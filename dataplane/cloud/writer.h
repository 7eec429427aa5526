#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/cloud/events.h"
#include "dataplane/cloud/scalars.h"

namespace novaplane::cloud {

/// Tells a sink what is in objects, as one who reads their text would be told. A map or a list is
/// told of with the first thing in it; without one it is not there.
class Writer {
 public:
  /// `cloud`: what objects refer to, which tells what of them follows from it.
  Writer(const Cloud& cloud, EventSink sink) : cloud(cloud), sink_(std::move(sink)) {}

  /// Of the value that comes next.
  void key(std::string_view name) { key_ = name; }
  void value(const Scalar& scalar);

  static constexpr bool kEvenIfEmpty = true;
  void open_map(bool even_if_empty = false) { open(Event::Kind::open_map, even_if_empty); }
  void open_list(bool even_if_empty = false) { open(Event::Kind::open_list, even_if_empty); }
  void close();

  const Cloud& cloud;

 private:
  struct Level {
    Event::Kind kind;
    std::optional<std::string> key;
    bool is_told = false;
  };

  void open(Event::Kind kind, bool even_if_empty);
  void tell_levels();
  void tell_key(const std::string& key) { sink_({Event::Kind::scalar, {}, key, true}); }

  EventSink sink_;
  std::optional<std::string> key_;
  std::vector<Level> levels_;
};

/// Where the value of a key is written.
struct Slot {
  Writer& writer;
  std::string_view key;
  bool required = false;  ///< stands there even where it has its default

  void scalar(const Scalar& scalar) const {
    writer.key(key);
    writer.value(scalar);
  }
  void open_map() const {
    writer.key(key);
    writer.open_map();
  }
  void open_list() const {
    writer.key(key);
    writer.open_list();
  }
};

}  // namespace novaplane::cloud
