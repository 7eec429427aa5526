#include "dataplane/cloud/writer.h"

namespace novaplane::cloud {

void Writer::value(const Scalar& scalar) {
  tell_levels();
  if (key_) tell_key(*std::exchange(key_, std::nullopt));
  sink_({Event::Kind::scalar, {}, scalar.text, scalar.is_text});
}

void Writer::open(Event::Kind kind, bool even_if_empty) {
  levels_.push_back({kind, std::exchange(key_, std::nullopt)});
  if (even_if_empty) tell_levels();
}

void Writer::tell_levels() {
  for (Level& level : levels_) {
    if (level.is_told) continue;
    if (level.key) tell_key(*level.key);
    sink_({level.kind, {}, {}, false});
    level.is_told = true;
  }
}

void Writer::close() {
  const Level level = std::move(levels_.back());
  levels_.pop_back();
  if (!level.is_told) return;
  const bool is_map = level.kind == Event::Kind::open_map;
  sink_({is_map ? Event::Kind::close_map : Event::Kind::close_list, {}, {}, false});
}

}  // namespace novaplane::cloud
