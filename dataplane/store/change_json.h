#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/store/store.h"

/// The lists of a change as JSON, for stores that keep it in one value.
namespace novaplane::store {

/// `[["ports","web1","{...}"],["ports","web2",null]]`
std::string to_json(const std::vector<Write>& writes);
/// None: the text is something else.
std::optional<std::vector<Write>> parse_writes(std::string_view json);

/// What history is made of: names without what was written.
std::vector<Write> names_only(std::vector<Write> writes);

/// All of it but the revision: `{"change":"...","by":"...","at":...,"format":1,...}`; without
/// "writes" where there are none.
std::string to_json(const Change& change);
std::optional<Change> parse_change(std::string_view json);

std::string to_json(const std::vector<std::string>& words);
std::optional<std::vector<std::string>> parse_words(std::string_view json);

}  // namespace novaplane::store
