#include "dataplane/cloud/text.h"

#include <algorithm>
#include <charconv>

#include "dataplane/cloud/json_events.h"
#include "dataplane/cloud/rules.h"
#include "dataplane/cloud/schema.h"
#include "dataplane/cloud/text_sinks.h"

namespace novaplane::cloud {
namespace {

constexpr std::string_view kOrder = "order";  ///< no key of the document

template <class Text, class Write>
std::string write_as(const Cloud& cloud, Write&& write) {
  Text text;
  Writer writer(cloud, [&text](const Event& event) { text.on(event); });
  write(writer);
  return text.take();
}

/// Passes events on, but for the object's place, which stands beside its keys.
class WithoutPlace {
 public:
  WithoutPlace(std::uint64_t& place, const EventSink& sink) : place_(place), sink_(sink) {}

  void on(const Event& event) {
    if (event.closes()) {
      --depth_;
    } else if (depth_ == 1 && takes(event)) {
      return;
    }
    if (event.opens()) ++depth_;
    sink_(event);
  }

 private:
  bool takes(const Event& event) {
    awaits_key_ = !awaits_key_;
    if (!awaits_key_) return is_place_ = event.text == kOrder;
    if (!std::exchange(is_place_, false)) return false;
    std::from_chars(event.text.data(), event.text.data() + event.text.size(), place_);
    return !event.opens();
  }

  std::uint64_t& place_;
  const EventSink& sink_;
  int depth_ = 0;
  bool awaits_key_ = true;  ///< in the outermost map
  bool is_place_ = false;
};

/// One object in a draft of its own.
class Reading {
 public:
  Reading(const Cloud& cloud, const ObjectName& name, Findings& findings,
          const ReadOptions& options)
      : cloud_(cloud),
        name_(name),
        findings_(findings),
        reader_(draft_, findings, name.kind == Kind::ranges ? read_ranges : read_document) {
    if (options.keeps_unknown) reader_.unknown = &unknown_;
    reader_.optional = options.optional;
  }

  std::optional<ReadObject> read(std::string_view json, bool has_place) {
    open();
    const EventSink sink = [this](const Event& event) { tell(event); };
    std::uint64_t place = 0;
    WithoutPlace without_place(place, sink);
    const EventSink but_place = [&](const Event& event) { without_place.on(event); };
    const auto error = read_events(json, has_place ? but_place : sink);
    if (error) {
      findings_.add(path(), "syntax", "is no JSON: " + *error);
      return std::nullopt;
    }
    close();
    return finish(json, place);
  }

 private:
  bool is_in_section() const { return name_.kind != Kind::ranges; }
  Path path() const {
    return is_in_section() ? Path{std::string(section_of(name_.kind)), name_.name} : Path{};
  }

  void tell(const Event& event) { reader_.on(event); }
  void tell(Event::Kind kind, std::string_view text = {}) { tell({kind, {}, text, true}); }

  void open() {
    if (!is_in_section()) return;
    for (const std::string_view key : {section_of(name_.kind), std::string_view(name_.name)}) {
      tell(Event::Kind::open_map);
      tell(Event::Kind::scalar, key);
    }
  }
  void close() {
    if (!is_in_section()) return;
    tell(Event::Kind::close_map);
    tell(Event::Kind::close_map);
  }

  std::optional<ReadObject> finish(std::string_view json, std::uint64_t place) {
    auto object = name_.kind == Kind::pool ? pool() : find_object(draft_.cloud, name_);
    if (!object) return std::nullopt;
    std::visit([&](auto& found) { complete_alone(found, place); }, *object);
    ReadObject answer{std::move(*object), {}};
    if (unknown_.empty()) return answer;
    if (is_in_section()) {
      for (Path& path : unknown_) path.erase(path.begin(), path.begin() + 2);
    }
    answer.unknown = extract(json, unknown_);
    return answer;
  }

  std::optional<AnyObject> pool() {
    const auto found = draft_.pools.find(name_.name);
    if (found == draft_.pools.end()) return std::nullopt;
    return found->second;
  }

  template <class Object>
  void complete_alone(Object& object, std::uint64_t place) {
    if constexpr (requires { object.order; }) object.order = place;
    if constexpr (std::is_same_v<Object, Port>) complete(cloud_, object);
    if constexpr (std::is_same_v<Object, Network>) {
      refuse_idle_dhcp(draft_, object, findings_);
      complete(object);
    }
  }

  const Cloud& cloud_;
  const ObjectName& name_;
  Findings& findings_;
  Draft draft_;
  std::vector<Path> unknown_;
  Reader reader_;
};

std::uint64_t place_of(const AnyObject& object) {
  return std::visit(
      [](const auto& found) -> std::uint64_t {
        if constexpr (requires { found.order; }) return found.order;
        return 0;
      },
      object);
}

}  // namespace

std::string to_json(const Cloud& cloud, const AnyObject& object, std::string_view unknown) {
  std::string json = write_as<JsonText>(cloud, [&](Writer& writer) { write(object, writer); });
  return unknown.empty() ? json : with_extracted(json, unknown);
}

std::string to_yaml(const Cloud& cloud, const Pools& pools) {
  return write_as<YamlText>(cloud, [&](Writer& writer) { write_document(pools, writer); });
}

std::string to_json(const Cloud& cloud, const Pools& pools) {
  return write_as<JsonText>(cloud, [&](Writer& writer) { write_document(pools, writer); });
}

std::optional<ReadObject> read_json(const Cloud& cloud, const ObjectName& name,
                                    std::string_view text, Findings& findings,
                                    const ReadOptions& options) {
  return Reading(cloud, name, findings, options).read(text, false);
}

std::optional<std::string> patched(std::string_view json, std::string_view patch) {
  return merge_patch(json, patch);
}

std::string to_stored(const Cloud& cloud, const AnyObject& object, std::string_view unknown) {
  std::string json = to_json(cloud, object, unknown);
  const std::uint64_t place = place_of(object);
  if (place == 0) return json;
  json.pop_back();
  json += fmt::format("{}\"{}\":{}}}", json == "{" ? "" : ",", kOrder, place);
  return json;
}

std::optional<ReadObject> read_stored(const Cloud& cloud, const ObjectName& name,
                                      std::string_view text, Findings& findings) {
  return Reading(cloud, name, findings, {.keeps_unknown = true}).read(text, true);
}

}  // namespace novaplane::cloud
