#pragma once

#include <string_view>

/// Names of links in generated files, which have no quotes for them.
namespace novaplane::hwgw {

/// A letter, then letters, digits, dots, underscores and hyphens.
bool is_word(std::string_view text);

/// Whether conntrackd 1.4 reads the text as a name where a link is named. Its own words, up to the
/// 15 letters of a link's name, and what may be a part of an IPv6 address are none
/// (src/read_config_lex.l of conntrack-tools).
bool is_name_to_conntrackd(std::string_view text);

}  // namespace novaplane::hwgw
