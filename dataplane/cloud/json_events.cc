#include "dataplane/cloud/json_events.h"

#include <charconv>
#include <nlohmann/json.hpp>

/// The only file of the document's that knows nlohmann-json.
namespace novaplane::cloud {
namespace {

using Json = nlohmann::ordered_json;

/// nlohmann's parser calls these; false would end it.
class Events {
 public:
  explicit Events(const EventSink& sink) : sink_(sink) {}

  bool null() { return tell(Event::Kind::null, "", false); }
  bool boolean(bool value) { return tell_scalar(value ? "true" : "false", false); }
  bool number_integer(Json::number_integer_t value) {
    return tell_scalar(std::to_string(value), false);
  }
  bool number_unsigned(Json::number_unsigned_t value) {
    return tell_scalar(std::to_string(value), false);
  }
  bool number_float(Json::number_float_t, const std::string& text) {
    return tell_scalar(text, false);
  }
  bool string(const std::string& text) { return tell_scalar(text, true); }
  bool binary(const Json::binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Event::Kind::open_map); }
  bool key(const std::string& text) { return tell_scalar(text, true); }
  bool end_object() { return close(Event::Kind::close_map); }
  bool start_array(std::size_t) { return open(Event::Kind::open_list); }
  bool end_array() { return close(Event::Kind::close_list); }
  bool parse_error(std::size_t, const std::string&, const Json::exception& error) {
    const std::string_view words = error.what();
    const auto end_of_id = words.find("] ");
    error_ = words.substr(end_of_id == std::string_view::npos ? 0 : end_of_id + 2);
    return false;
  }

  std::optional<std::string> take_error() { return std::move(error_); }

 private:
  bool open(Event::Kind kind) {
    if (++depth_ <= kDeepest) return tell(kind, "", false);
    error_ = "nested too deeply";
    return false;
  }
  bool close(Event::Kind kind) {
    --depth_;
    return tell(kind, "", false);
  }
  bool tell_scalar(std::string_view text, bool quoted) {
    return tell(Event::Kind::scalar, text, quoted);
  }
  bool tell(Event::Kind kind, std::string_view text, bool quoted) {
    sink_({kind, {}, text, quoted});
    return true;
  }

  static constexpr std::size_t kDeepest = 500;  ///< as in YAML (yaml.cc)
  const EventSink& sink_;
  std::size_t depth_ = 0;
  std::optional<std::string> error_;
};

/// "[2]" -> 2
std::size_t index_of(const std::string& step) {
  std::size_t index = 0;
  std::from_chars(step.data() + 1, step.data() + step.size() - 1, index);
  return index;
}

/// The way to a value: names of members, and [index, length] where it leads through a list.
std::optional<Json> way_of(const Json& from, const Path& path, Json& value) {
  Json way = Json::array();
  const Json* at = &from;
  for (const std::string& step : path) {
    if (at->is_array()) {
      const std::size_t index = index_of(step);
      if (index >= at->size()) return std::nullopt;
      way.push_back(Json::array({index, at->size()}));
      at = &(*at)[index];
    } else {
      const auto member = at->find(step);
      if (member == at->end()) return std::nullopt;
      way.push_back(step);
      at = &*member;
    }
  }
  value = *at;
  return way;
}

/// Where a value belongs; null: its list is there no more, or another one.
Json* place_of(Json& in, const Json& way) {
  Json* at = &in;
  for (const Json& step : way) {
    if (step.is_string()) {
      if (at->is_null()) *at = Json::object();
      if (!at->is_object()) return nullptr;
      at = &(*at)[step.get<std::string>()];
    } else {
      if (!at->is_array() || at->size() != step[1].get<std::size_t>()) return nullptr;
      at = &(*at)[step[0].get<std::size_t>()];
    }
  }
  return at;
}

/// Whether all lists of the way are there as they were.
bool leads_somewhere(Json in, const Json& way) { return place_of(in, way) != nullptr; }

}  // namespace

std::optional<std::string> read_events(std::string_view json, const EventSink& sink) {
  Events events(sink);
  Json::sax_parse(json, &events);
  return events.take_error();
}

/// Functions of nlohmann-json call themselves for what is in a value: texts that would fill the
/// stack are refused first.
std::optional<std::string> merge_patch(std::string_view json, std::string_view patch) {
  if (read_events(json, [](const Event&) {}) || read_events(patch, [](const Event&) {})) {
    return std::nullopt;
  }
  Json to = Json::parse(json, nullptr, false);
  const Json from = Json::parse(patch, nullptr, false);
  if (!to.is_object() || !from.is_object()) return std::nullopt;
  to.merge_patch(from);
  return to.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string extract(std::string_view json, const std::vector<Path>& paths) {
  const Json from = Json::parse(json, nullptr, false);
  Json found = Json::array();
  for (const Path& path : paths) {
    Json value;
    if (auto way = way_of(from, path, value)) {
      found.push_back(Json::array({std::move(*way), std::move(value)}));
    }
  }
  return found.empty() ? "" : found.dump();
}

std::string with_extracted(std::string_view json, std::string_view extracted) {
  Json to = Json::parse(json, nullptr, false);
  for (const Json& entry : Json::parse(extracted, nullptr, false)) {
    if (leads_somewhere(to, entry[0])) *place_of(to, entry[0]) = entry[1];
  }
  return to.dump();
}

}  // namespace novaplane::cloud
