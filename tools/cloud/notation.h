#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "tools/cloud/api.h"

/// Objects as documents write them: YAML <-> JSON, without a look at what they say.
namespace novaplane::tools {

/// What YAML says, a plain number or boolean as such; an error is a sentence.
tl::expected<Json, std::string> from_yaml(const std::string& text);
std::string to_yaml(const Json&);
std::string to_text(const Json&);  ///< JSON, indented

/// "a, b" of a list, "vlan 101" of a map, names of maps in a list: one cell of a table.
std::string cell_of(const Json& value);
/// "dhcp.lease" in an object; null: it is not there.
Json value_at(const Json& object, std::string_view key);

}  // namespace novaplane::tools
