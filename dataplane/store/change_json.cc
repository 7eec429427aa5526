#include "dataplane/store/change_json.h"

#include <nlohmann/json.hpp>

namespace novaplane::store {
namespace {

using Json = nlohmann::json;

/// What was put in by to_json() comes out; anything else throws in nlohmann-json, and ends here.
template <class Read>
auto read(std::string_view json, Read&& from_json) -> std::optional<decltype(from_json(Json()))> {
  try {
    return from_json(Json::parse(json));
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

Json json_of(const std::vector<Write>& writes) {
  Json list = Json::array();
  for (const Write& write : writes) {
    list.push_back({write.key.kind, write.key.name, write.value ? Json(*write.value) : Json()});
  }
  return list;
}

std::vector<Write> writes_of(const Json& list) {
  std::vector<Write> writes;
  for (const Json& element : list) {
    writes.push_back({{element.at(0), element.at(1)}, std::nullopt});
    if (!element.at(2).is_null()) writes.back().value = element.at(2).get<std::string>();
  }
  return writes;
}

std::vector<std::string> words_of(const Json& list) { return list.get<std::vector<std::string>>(); }

Change change_of(const Json& json) {
  Change change;
  change.id = json.at("change");
  change.by = json.at("by");
  change.at = json.at("at");
  change.format = json.at("format");
  change.objects = json.at("objects");
  change.digest = parse_digest(json.at("digest").get<std::string>());
  change.freed = words_of(json.at("freed"));
  if (json.contains("writes")) change.writes = writes_of(json.at("writes"));
  return change;
}

}  // namespace

std::vector<Write> names_only(std::vector<Write> writes) {
  for (Write& write : writes) {
    if (write.value) write.value->clear();
  }
  return writes;
}

std::string to_json(const std::vector<Write>& writes) { return json_of(writes).dump(); }

std::optional<std::vector<Write>> parse_writes(std::string_view json) {
  return read(json, writes_of);
}

std::string to_json(const std::vector<std::string>& words) { return Json(words).dump(); }

std::optional<std::vector<std::string>> parse_words(std::string_view json) {
  return read(json, words_of);
}

std::string to_json(const Change& change) {
  Json json = {{"change", change.id},       {"by", change.by},
               {"at", change.at},           {"format", change.format},
               {"objects", change.objects}, {"digest", to_string(change.digest)},
               {"freed", change.freed}};
  if (!change.writes.empty()) json["writes"] = json_of(change.writes);
  return json.dump();
}

std::optional<Change> parse_change(std::string_view json) { return read(json, change_of); }

}  // namespace novaplane::store
