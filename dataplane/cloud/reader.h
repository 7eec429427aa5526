#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/cloud/events.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/cloud/object.h"
#include "dataplane/cloud/scalars.h"
#include "dataplane/cloud/writer.h"

/// A streaming reader: events go into values as they come, led by tables of keys (schema.cc).
/// Nothing of the document is kept but the values.
namespace novaplane::cloud {

/// What comes out of reading: the cloud, not yet validated.
struct Draft {
  Cloud cloud;
  std::vector<std::string> dhcp_asked_for;  ///< networks that say `dhcp: {enabled: true}`
  Pools pools;
};

class Reader;

/// A value where it stands: a scalar, nothing, or the beginning of a map or a list.
struct Value {
  Reader& reader;
  const Event& event;

  void fail(Refusal refusal) const;
  void wrong_type(std::string_view wanted) const;  ///< "must be a list, not text"

  /// The scalar read by `parse`, or nothing and the reason among the findings.
  template <class Parse>
  auto scalar(const Parse& parse) const
      -> std::optional<typename std::invoke_result_t<const Parse&, const Event&>::value_type>;
};

/// Reads a map or a list of the document.
class NodeReader {
 public:
  virtual ~NodeReader() = default;
  /// Maps: whether the value of this key shall be read.
  virtual bool key(Reader&, const Event&) { return false; }
  virtual void value(const Value&) = 0;
  virtual void close(Reader&) {}
};

class Reader {
 public:
  using Root = void (*)(const Value&);
  Reader(Draft& draft, Findings& findings, Root root)
      : draft(draft), findings(findings), root_(root) {}

  void on(const Event& event);
  /// What comes until the current map or list is closed belongs to this reader.
  void enter(std::unique_ptr<NodeReader> node) { entering_ = std::move(node); }
  Path path() const;
  void fail(const Event& event, Refusal refusal, bool at_key = false);

  /// Whether a key that the document needs may be absent from the object at that path, a port.
  bool may_lack(const Path& path, std::string_view key) const {
    return path.size() == 2 && path.front() == "ports" &&
           std::ranges::find(optional, key) != optional.end();
  }

  Draft& draft;
  Findings& findings;
  /// Takes the paths of keys that are not known; none: they are refused.
  std::vector<Path>* unknown = nullptr;
  std::span<const std::string_view> optional;

 private:
  struct Level {
    std::unique_ptr<NodeReader> node;  ///< none: skipped
    bool is_map = false;
    bool awaits_key = false;
    bool skips_value = false;
    std::string key;
    std::size_t index = 0;
  };

  void on_key(Level& level, const Event& event);
  void on_value(const Event& event);
  void open(const Event& event, std::unique_ptr<NodeReader> node);
  void close();

  Root root_;
  std::vector<Level> levels_;
  std::unique_ptr<NodeReader> entering_;
};

// --- tables of keys

/// Goes through the keys of tables: told the way to each, as "uplinks.probe.targets".
using KeyVisitor = std::function<void(const std::string& path)>;

/// How the value of a key is read into an object and written from it.
template <class T, class Source = T>
struct Access {
  void (*read)(T& object, const Value& value);
  /// Writes nothing where the value is what it is without the key. Null: the key is always refused.
  void (*write)(const Source& object, const Slot& slot);
  /// The keys of the value, where it has a table of its own.
  void (*visit)(const std::string& path, const KeyVisitor& visitor) = nullptr;
};

/// One key of an object of the document.
template <class T, class Source = T>
struct Key {
  std::string_view name;
  Access<T, Source> access;
  bool required = false;
};
constexpr bool kRequired = true;

template <class T, class Source = T>
using Keys = std::span<const Key<T, Source>>;
template <class T, class Source, std::size_t size>
Keys<T, Source> all_of(const Key<T, Source> (&keys)[size]) {
  return keys;
}

template <class T, class Source>
void write_object(const Source& object, Writer& writer, Keys<T, Source> keys) {
  for (const auto& key : keys) {
    if (key.access.write) key.access.write(object, {writer, key.name, key.required});
  }
}

template <class T, class Source>
void visit_keys(const std::string& path, const KeyVisitor& visitor, Keys<T, Source> keys) {
  for (const auto& key : keys) {
    const std::string at =
        path.empty() ? std::string(key.name) : fmt::format("{}.{}", path, key.name);
    if (key.access.write) visitor(at);
    if (key.access.visit) key.access.visit(at, visitor);
  }
}

void refuse_unknown_key(Reader&, const Event&, std::span<const std::string_view> known);
void refuse_duplicate_key(Reader&, const Event&);

/// A map whose keys are known.
template <class T, class Source = T>
class ObjectReader : public NodeReader {
 public:
  ObjectReader(T& object, Keys<T, Source> keys) : object_(object), keys_(keys) {}

  bool key(Reader& reader, const Event& event) override {
    for (current_ = 0; current_ < keys_.size(); ++current_) {
      if (keys_[current_].name == event.text) return first_time(reader, event);
    }
    std::vector<std::string_view> known;
    for (const auto& key : keys_) known.push_back(key.name);
    refuse_unknown_key(reader, event, known);
    return false;
  }

  void value(const Value& value) override { keys_[current_].access.read(object_, value); }

  void close(Reader& reader) override {
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      if (!keys_[i].required || (seen_ & (1u << i))) continue;
      Path path = reader.path();
      if (reader.may_lack(path, keys_[i].name)) continue;
      path.emplace_back(keys_[i].name);
      reader.findings.add(std::move(path), "missing", "is missing");
    }
  }

 private:
  bool first_time(Reader& reader, const Event& event) {
    const std::uint32_t bit = 1u << current_;
    const bool first = !(seen_ & bit);
    seen_ |= bit;
    if (!first) refuse_duplicate_key(reader, event);
    return first;
  }

  T& object_;
  Keys<T, Source> keys_;
  std::size_t current_ = 0;
  std::uint32_t seen_ = 0;
};

/// A map whose keys are names. `take` says whether the key is good and new.
class EntriesReader : public NodeReader {
 public:
  using Take = std::function<bool(Reader&, const Event& key)>;
  using Give = std::function<void(const Value&)>;
  EntriesReader(Take take, Give give) : take_(std::move(take)), give_(std::move(give)) {}
  bool key(Reader& reader, const Event& event) override { return take_(reader, event); }
  void value(const Value& value) override { give_(value); }

 private:
  Take take_;
  Give give_;
};

class ListReader : public NodeReader {
 public:
  explicit ListReader(EntriesReader::Give give) : give_(std::move(give)) {}
  void value(const Value& value) override { give_(value); }

 private:
  EntriesReader::Give give_;
};

/// Reads a map into an object; nothing at all is an empty map.
template <class T, class Source = T>
void read_object(T& object, const Value& value, Keys<T, Source> keys) {
  auto node = std::make_unique<ObjectReader<T, Source>>(object, keys);
  if (value.event.kind == Event::Kind::open_map) return value.reader.enter(std::move(node));
  if (value.event.kind == Event::Kind::null) return node->close(value.reader);
  value.wrong_type("a map");
}
void read_entries(const Value& value, EntriesReader::Take take, EntriesReader::Give give);
void read_list(const Value& value, EntriesReader::Give give);

template <class Parse>
auto Value::scalar(const Parse& parse) const
    -> std::optional<typename std::invoke_result_t<const Parse&, const Event&>::value_type> {
  if (event.kind != Event::Kind::scalar) {
    wrong_type("a single value");
    return std::nullopt;
  }
  auto parsed = parse(event);
  if (parsed) return std::move(*parsed);
  fail(std::move(parsed.error()));
  return std::nullopt;
}

}  // namespace novaplane::cloud
