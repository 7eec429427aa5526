#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "dataplane/nft/values.h"

/// What the kernel keeps of a set for nft alone, and nft needs to list it as it can be loaded.
namespace novaplane::nft {

/// Appends one attribute: its type, its size, its value.
void append_userdata(std::string& all, std::uint8_t type, std::string_view value);

/// Byte orders, without which nft prints names of links as ""; and where nft has no type for a
/// field, from which selectors all of them come (`typeof`).
std::string userdata_of(const Set&);

/// Declared by `typeof`, not by `type`.
bool has_typeof(const Set&);

}  // namespace novaplane::nft
