#include "dataplane/api/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "dataplane/base/printable.h"
#include "dataplane/cloud/json_events.h"

/// The only file of the API's that knows nlohmann-json.
namespace novaplane::api {
namespace {

using Json = nlohmann::ordered_json;
using cloud::Event;

std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}
Json parse(std::string_view text) { return Json::parse(text, nullptr, false); }

/// Finds keys that stand twice: of those only one would be read.
class Shape {
 public:
  void on(const Event& event) {
    if (event.closes()) {
      levels_.pop_back();
      return;
    }
    if (is_key()) {
      levels_.back().awaits_key = false;
      if (!levels_.back().keys.insert(std::string(event.text)).second) {
        note(fmt::format("the key \"{}\" stands twice", printable(event.text)));
      }
      return;
    }
    if (!levels_.empty()) levels_.back().awaits_key = true;
    if (!event.opens()) return;
    levels_.push_back({event.kind == Event::Kind::open_map, true, {}});
  }
  const std::string& fault() const { return fault_; }

 private:
  struct Level {
    bool is_map = false, awaits_key = false;
    std::set<std::string> keys;
  };

  bool is_key() const {
    return !levels_.empty() && levels_.back().is_map && levels_.back().awaits_key;
  }
  void note(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
  }

  std::vector<Level> levels_;
  std::string fault_;
};

}  // namespace

std::string json_string(std::string_view text) { return dump(Json(text)); }

tl::expected<void, std::string> check_json(std::string_view text) {
  Shape shape;
  const auto error = cloud::read_events(text, [&](const Event& event) { shape.on(event); });
  if (error) return tl::unexpected("the body is no JSON: " + *error);
  if (!shape.fault().empty()) return tl::unexpected("the body cannot be read: " + shape.fault());
  return {};
}

std::optional<Members> members_of(std::string_view text) {
  const Json json = parse(text);
  if (!json.is_object()) return std::nullopt;
  Members members;
  for (const auto& [key, value] : json.items()) members.emplace_back(key, dump(value));
  return members;
}

std::string to_json(const Members& members) {
  std::string text = "{";
  for (const auto& [key, value] : members) {
    if (text.size() > 1) text += ',';
    text += json_string(key) + ':' + value;
  }
  return text + '}';
}

std::optional<std::string> take(Members& members, std::string_view key) {
  const auto found = std::ranges::find(members, key, &Members::value_type::first);
  if (found == members.end()) return std::nullopt;
  std::string value = std::move(found->second);
  members.erase(found);
  return value;
}

bool has(const Members& members, std::string_view key) {
  return std::ranges::find(members, key, &Members::value_type::first) != members.end();
}

std::optional<std::string> text_of(std::string_view text) {
  const Json json = parse(text);
  if (!json.is_string()) return std::nullopt;
  return json.get<std::string>();
}

bool is_value(std::string_view value, std::string_view text) {
  const auto is_it = [text](const Json& json) {
    return json.is_string() ? json.get_ref<const std::string&>() == text : dump(json) == text;
  };
  const Json json = parse(value);
  return json.is_array() ? std::ranges::any_of(json, is_it) : is_it(json);
}

}  // namespace novaplane::api
