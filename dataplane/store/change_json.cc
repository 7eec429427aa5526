#include "dataplane/store/change_json.h"

#include <nlohmann/json.hpp>

namespace novaplane::store {
namespace {

using Json = nlohmann::json;

/// What was put in by to_json() comes out; anything else throws in nlohmann-json, and ends here.
template <class T, class Read>
std::optional<T> read(std::string_view json, Read&& read_element) {
  try {
    T list;
    for (const Json& element : Json::parse(json)) list.push_back(read_element(element));
    return list;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

}  // namespace

std::string to_json(const std::vector<Write>& writes) {
  Json list = Json::array();
  for (const Write& write : writes) {
    list.push_back({write.key.kind, write.key.name, write.value ? Json(*write.value) : Json()});
  }
  return list.dump();
}

std::optional<std::vector<Write>> parse_writes(std::string_view json) {
  return read<std::vector<Write>>(json, [](const Json& element) {
    Write write{{element.at(0), element.at(1)}, std::nullopt};
    if (!element.at(2).is_null()) write.value = element.at(2).get<std::string>();
    return write;
  });
}

std::string to_json(const std::vector<std::string>& words) { return Json(words).dump(); }

std::optional<std::vector<std::string>> parse_words(std::string_view json) {
  return read<std::vector<std::string>>(
      json, [](const Json& element) { return element.get<std::string>(); });
}

}  // namespace novaplane::store
