#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace novaplane::store {

/// A checksum of a set of keys and values, whatever their order: what is put in is taken out by
/// putting it in once more. It tells of lost events; against an attacker it proves nothing.
struct Digest {
  std::uint64_t high = 0, low = 0;

  Digest& operator^=(const Digest& other) {
    high ^= other.high;
    low ^= other.low;
    return *this;
  }
  bool operator==(const Digest&) const = default;
};

/// Stable across versions and machines: stores keep it.
Digest digest_of(std::string_view kind, std::string_view name, std::string_view value);
std::string to_string(const Digest&);  ///< 32 hexadecimal digits
/// Zero where the text is none.
Digest parse_digest(std::string_view text);

}  // namespace novaplane::store
