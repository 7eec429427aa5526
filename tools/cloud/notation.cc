#include "tools/cloud/notation.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/cloud/json_events.h"
#include "dataplane/cloud/text_sinks.h"
#include "dataplane/cloud/yaml.h"

namespace novaplane::tools {
namespace {

using cloud::Event;

/// As JSON writes numbers; what else looks like one (010, 0x1f, 1.10) is text.
bool is_integer(std::string_view text) {
  const std::string_view digits = text.substr(text.starts_with('-') ? 1 : 0);
  return !digits.empty() && digits.size() < 19 && (digits == "0" || digits.front() != '0') &&
         std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; });
}

Json scalar_of(const Event& event) {
  if (event.kind == Event::Kind::null) return nullptr;
  const std::string text(event.text);
  if (event.quoted) return text;
  if (text == "true") return true;
  if (text == "false") return false;
  return is_integer(text) ? Json(std::stoll(text)) : Json(text);
}

/// Builds a value of what a reader meets.
class Builder {
 public:
  void on(const Event& event) {
    if (event.closes()) {
      path_.pop_back();
      return;
    }
    const bool is_in_map = !path_.empty() && path_.back()->is_object();
    if (is_in_map && !has_key_) {
      key_ = event.text;
      has_key_ = true;
      return;
    }
    Json* placed =
        place(event.opens() ? event.kind == Event::Kind::open_map ? Json::object() : Json::array()
                            : scalar_of(event));
    if (event.opens()) path_.push_back(placed);
  }
  Json take() { return std::move(root_); }

 private:
  /// No value is added to a list or map before the ones inside its last one are complete, so
  /// pointers to outer values stay good.
  Json* place(Json value) {
    if (path_.empty()) return &(root_ = std::move(value));
    Json& outer = *path_.back();
    if (outer.is_object()) {
      has_key_ = false;
      return &(outer[key_] = std::move(value));
    }
    outer.push_back(std::move(value));
    return &outer.back();
  }

  Json root_;
  std::vector<Json*> path_;
  std::string key_;
  bool has_key_ = false;
};

std::string dumped(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

std::string element_of(const Json& element) {
  return element.is_object() && element.contains("name") ? cell_of(element["name"])
                                                         : cell_of(element);
}

}  // namespace

tl::expected<Json, std::string> from_yaml(const std::string& text) {
  Builder builder;
  const auto fault = cloud::read_yaml(text, [&builder](const Event& event) { builder.on(event); });
  if (fault) return tl::unexpected(fault->sentence);
  return builder.take();
}

std::string to_yaml(const Json& json) {
  cloud::YamlText yaml;
  cloud::read_events(dumped(json, -1), [&yaml](const Event& event) { yaml.on(event); });
  return yaml.take();
}

std::string to_text(const Json& json) { return dumped(json, 2) + "\n"; }

std::string cell_of(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  if (!value.is_structured()) return value.dump();
  std::vector<std::string> parts;
  if (value.is_array()) {
    for (const Json& element : value) parts.push_back(element_of(element));
    return fmt::format("{}", fmt::join(parts, ", "));
  }
  for (const auto& [key, inner] : value.items()) {
    parts.push_back(fmt::format("{} {}", key, cell_of(inner)));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

Json value_at(const Json& object, std::string_view key) {
  const Json* at = &object;
  while (!key.empty()) {
    const auto dot = std::min(key.find('.'), key.size());
    const auto found = at->is_object() ? at->find(std::string(key.substr(0, dot))) : at->end();
    if (found == at->end()) return nullptr;
    at = &*found;
    key.remove_prefix(std::min(dot + 1, key.size()));
  }
  return *at;
}

}  // namespace novaplane::tools
