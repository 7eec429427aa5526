#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/nft/values.h"

/// What a field of a key or of data takes, in bytes and in words.
namespace novaplane::nft {

std::size_t size_of(Field);
std::string_view to_string(Field);  ///< nft's name: "ipv4_addr"

/// Fields of a concatenation, and registers, come in steps of four bytes.
constexpr std::size_t padded(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

/// Bytes of all fields; a single field is as long as it is, those of a concatenation are padded.
std::size_t size_of(const std::vector<Field>&);

std::string to_text(Field, std::string_view bytes);

}  // namespace novaplane::nft
