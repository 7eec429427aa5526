#pragma once

#include <cstddef>
#include <string_view>

namespace novaplane {

/// Letters to add, drop, change or swap with their neighbour (optimal string alignment), to make
/// one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace novaplane
