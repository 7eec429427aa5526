#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

/// JSON as text, as far as requests and replies need it.
namespace novaplane::api {

/// As a JSON string, with its quotes; what is no UTF-8 is replaced.
std::string json_string(std::string_view text);

/// Fails with a sentence: the text is no JSON, nests too deeply to be worked on, or has a key
/// twice.
tl::expected<void, std::string> check_json(std::string_view text);

/// The members of an object in their order: each key with its value as JSON.
using Members = std::vector<std::pair<std::string, std::string>>;
/// None: no object.
std::optional<Members> members_of(std::string_view json);
std::string to_json(const Members& members);
/// Takes the member out; none: there is none.
std::optional<std::string> take(Members& members, std::string_view key);
bool has(const Members& members, std::string_view key);

/// The text of a JSON string; none: something else.
std::optional<std::string> text_of(std::string_view json);
/// Whether the value is, as a person writes it in a query, that text: `web1`, `true`, `1450`; a
/// list is what each of its elements is.
bool is_value(std::string_view json, std::string_view text);

}  // namespace novaplane::api
