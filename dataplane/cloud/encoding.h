#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/cloud/finding.h"

namespace novaplane::cloud {

/// The first byte that no YAML in UTF-8 may hold. Some of them a parser could take for the end of
/// the document, or for another encoding.
std::optional<Finding> check_encoding(std::string_view text);

/// The first tab in the indentation of a block, which YAML forbids: what a parser says about it
/// (another nesting, another type) does not help. Asked only of a document that has mistakes; one
/// that begins with a brace is indented as it likes.
std::optional<Finding> find_indenting_tab(std::string_view text);

/// A sentence without control characters, whatever it quotes.
std::string printable(std::string_view sentence);

}  // namespace novaplane::cloud
