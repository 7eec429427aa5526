#pragma once

#include <span>
#include <string_view>

namespace novaplane::cloud {

/// The known word that was probably meant; empty: none is near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

}  // namespace novaplane::cloud
