#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// What the document's security groups are to the kernel.
namespace novaplane::cloud {

/// Bits of marks that a host with such ports needs beyond kFewestMarkBits.
constexpr int kMarkBitsOfGroups = 3;

/// The number by which rules of the kernel know a list of groups: the same on every host and in
/// every run, whatever the order of the names. Never 0. A valid document has no two lists of one
/// number.
std::uint32_t number_of(const std::vector<std::string>& groups);

}  // namespace novaplane::cloud
