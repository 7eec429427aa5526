#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace novaplane {

/// A short stable digest (FNV-1a, 64 bit): shortened link names, names of configuration files.
/// Stable across versions, since what it names outlives the process.
constexpr std::uint64_t digest(std::string_view text) {
  std::uint64_t value = 0xcbf29ce484222325;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

/// One hash of several members, for keys of hash maps.
template <class... Members>
std::size_t hash_of(const Members&... members) {
  std::size_t seed = 0;
  ((seed = (seed ^ std::hash<Members>{}(members)) * 0x9e3779b97f4a7c15, seed ^= seed >> 32), ...);
  return seed;
}

}  // namespace novaplane
