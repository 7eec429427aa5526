#include "tools/cloud/assignments.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/cloud/object.h"
#include "dataplane/cloud/text.h"

namespace novaplane::tools {
namespace {

using Sentence = tl::unexpected<std::string>;

std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (;;) {
    const auto end = std::min(text.find(at), text.size());
    parts.emplace_back(text.substr(0, end));
    if (end == text.size()) return parts;
    text.remove_prefix(end + 1);
  }
}

/// {"dhcp": {"lease": value}} of "dhcp.lease"
Json nested(const std::vector<std::string>& keys, Json value) {
  for (auto key = keys.rbegin(); key != keys.rend(); ++key) {
    Json outer = Json::object();
    outer[*key] = std::move(value);
    value = std::move(outer);
  }
  return value;
}

/// Text that YAML would take for something else than one value is text all the same: "fe80::1",
/// "[2001:db8::1]:80".
Json scalar(const std::string& text) {
  const auto read = from_yaml(text);
  return read && !read->is_structured() && !read->is_null() ? *read : Json(text);
}

Json list_of(const std::string& text) {
  Json list = Json::array();
  for (const std::string& part : split(text, ',')) {
    if (!part.empty()) list.push_back(scalar(part));
  }
  return list;
}

bool is_in_brackets(const std::string& text) {
  return (text.starts_with('[') && text.ends_with(']')) ||
         (text.starts_with('{') && text.ends_with('}'));
}

/// Whether the document's keys take a value of this shape there. What is wrong with the value
/// itself is for the daemon to say.
bool is_taken(const Target& target, const std::vector<std::string>& keys, const Json& value) {
  const auto kind = cloud::kind_of(target.kind->section);
  const std::string name = target.kind->section == "floating_ips" ? "192.0.2.1"
                           : target.is_ranges()                   ? "snat"
                                                                  : "x";
  if (!kind) return true;
  cloud::Findings findings;
  cloud::read_json({}, {*kind, name}, nested(keys, value).dump(), findings);
  cloud::Path path;
  if (!target.is_ranges()) path = {std::string(target.kind->section), name};
  path.insert(path.end(), keys.begin(), keys.end());
  return std::ranges::none_of(findings.take(), [&path](const cloud::Finding& finding) {
    return finding.path == path && finding.kind == "wrong-type";
  });
}

tl::expected<Json, std::string> value_of(const Target& target, const std::string& key,
                                         const std::vector<std::string>& keys,
                                         const std::string& text) {
  if (text.empty()) return nullptr;
  if (is_in_brackets(text)) {
    auto read = from_yaml(text);
    if (read) return std::move(*read);
    return Sentence(fmt::format("{}: '{}' is neither JSON nor YAML: {}", key, text, read.error()));
  }
  Json one = scalar(text);
  Json list = list_of(text);
  const bool prefers_list = text.find(',') != std::string::npos;
  if (prefers_list) std::swap(one, list);
  if (is_taken(target, keys, one) || !is_taken(target, keys, list)) return one;
  return list;
}

/// False: something else is said of the key, or of one in it, already.
bool put(Json& patch, const std::vector<std::string>& keys, Json value) {
  Json* at = &patch;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const bool is_last = i + 1 == keys.size();
    const bool is_there = at->contains(keys[i]);
    if (is_there && (is_last || !(*at)[keys[i]].is_object())) return false;
    at = &(*at)[keys[i]];
    if (is_last) *at = std::move(value);
    if (!is_last && !is_there) *at = Json::object();
  }
  return true;
}

}  // namespace

bool is_assignment(const std::string& word) { return word.find('=') != std::string::npos; }

tl::expected<Json, std::string> patch_of(const Target& target, std::span<const std::string> words) {
  Json patch = Json::object();
  for (const std::string& word : words) {
    const auto equals = word.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Sentence(fmt::format("'{}' is not KEY=VALUE", word));
    }
    const std::string key = word.substr(0, equals);
    const auto keys = split(key, '.');
    if (std::ranges::find(keys, std::string()) != keys.end()) {
      return Sentence(fmt::format("'{}' is no key: a word is missing beside a dot", key));
    }
    auto value = value_of(target, key, keys, word.substr(equals + 1));
    if (!value) return Sentence(value.error());
    if (!put(patch, keys, std::move(*value)))
      return Sentence(fmt::format("{} is given twice", key));
  }
  return patch;
}

}  // namespace novaplane::tools
