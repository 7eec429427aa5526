#include "dataplane/cloud/reader.h"

#include "dataplane/cloud/nearest.h"

namespace novaplane::cloud {
namespace {

std::string_view kind_of(const Event& event) {
  switch (event.kind) {
    case Event::Kind::open_map:
      return "a map";
    case Event::Kind::open_list:
      return "a list";
    case Event::Kind::null:
      return "empty";
    default:
      return "a single value";
  }
}

}  // namespace

void Value::fail(Refusal refusal) const { reader.fail(event, std::move(refusal)); }

void Value::wrong_type(std::string_view wanted) const {
  fail({"wrong-type", fmt::format("must be {}, not {}", wanted, kind_of(event))});
}

void Reader::on(const Event& event) {
  if (event.closes()) return close();
  if (!levels_.empty() && levels_.back().awaits_key) return on_key(levels_.back(), event);
  on_value(event);
}

void Reader::on_key(Level& level, const Event& event) {
  level.awaits_key = false;
  level.skips_value = true;
  level.key = event.kind == Event::Kind::null ? "" : event.text;
  if (!level.node) {
    if (event.opens()) open(event, nullptr);
  } else if (event.kind == Event::Kind::scalar) {
    level.skips_value = !level.node->key(*this, event);
  } else {
    const auto sentence = fmt::format("a key must be a single value, not {}", kind_of(event));
    fail(event, {"wrong-type", sentence}, true);
    if (event.opens()) open(event, nullptr);
  }
}

void Reader::on_value(const Event& event) {
  if (levels_.empty()) {
    root_({*this, event});
  } else {
    Level& level = levels_.back();
    level.awaits_key = level.is_map;
    if (level.node && !level.skips_value) level.node->value({*this, event});
  }
  if (event.opens()) {
    open(event, std::move(entering_));
  } else if (!levels_.empty()) {
    ++levels_.back().index;
  }
}

void Reader::open(const Event& event, std::unique_ptr<NodeReader> node) {
  const bool is_map = event.kind == Event::Kind::open_map;
  levels_.push_back({std::move(node), is_map, is_map, false, {}, 0});
}

void Reader::close() {
  const std::unique_ptr<NodeReader> node = std::move(levels_.back().node);
  levels_.pop_back();
  if (node) node->close(*this);
  if (!levels_.empty()) ++levels_.back().index;
}

Path Reader::path() const {
  Path path;
  for (const Level& level : levels_) {
    path.push_back(level.is_map ? level.key : fmt::format("[{}]", level.index));
  }
  return path;
}

void Reader::fail(const Event& event, Refusal refusal, bool at_key) {
  findings.add({path(), std::move(refusal.kind), std::move(refusal.sentence), event.place, at_key});
}

void refuse_unknown_key(Reader& reader, const Event& event,
                        std::span<const std::string_view> known) {
  if (reader.unknown) return reader.unknown->push_back(reader.path());
  const std::string_view meant = nearest(event.text, known);
  const std::string sentence =
      meant.empty() ? fmt::format("unknown key; known are {}", fmt::join(known, ", "))
                    : fmt::format("unknown key; did you mean {}?", meant);
  reader.fail(event, {"unknown-key", sentence}, true);
}

void refuse_duplicate_key(Reader& reader, const Event& event) {
  reader.fail(event, {"duplicate-key", "stands here a second time"}, true);
}

void read_entries(const Value& value, EntriesReader::Take take, EntriesReader::Give give) {
  if (value.event.kind == Event::Kind::null) return;
  if (value.event.kind != Event::Kind::open_map) return value.wrong_type("a map");
  value.reader.enter(std::make_unique<EntriesReader>(std::move(take), std::move(give)));
}

void read_list(const Value& value, EntriesReader::Give give) {
  if (value.event.kind == Event::Kind::null) return;
  if (value.event.kind != Event::Kind::open_list) return value.wrong_type("a list");
  value.reader.enter(std::make_unique<ListReader>(std::move(give)));
}

}  // namespace novaplane::cloud
