#include "dataplane/store/digest.h"

#include <fmt/format.h>

#include <charconv>

#include "dataplane/base/hash.h"

namespace novaplane::store {
namespace {

/// splitmix64's finalizer: every bit of the digest depends on every bit of the sum.
constexpr std::uint64_t mixed(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

/// FNV-1a from another beginning.
constexpr std::uint64_t continued(std::uint64_t value, std::string_view text) {
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return value;
}

std::uint64_t hexadecimal(std::string_view digits) {
  std::uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

}  // namespace

/// A zero between the parts, which no part holds: "a" and "bc" are not "ab" and "c".
Digest digest_of(std::string_view kind, std::string_view name, std::string_view value) {
  constexpr std::string_view kBetween("\0", 1);
  std::uint64_t sum = digest(kind);
  for (const std::string_view part : {kBetween, name, kBetween, value}) sum = continued(sum, part);
  std::uint64_t other = 0x6a09e667f3bcc908;
  for (const std::string_view part : {value, kBetween, kind, kBetween, name}) {
    other = continued(other, part);
  }
  return {mixed(sum), mixed(other)};
}

std::string to_string(const Digest& digest) {
  return fmt::format("{:016x}{:016x}", digest.high, digest.low);
}

Digest parse_digest(std::string_view text) {
  constexpr std::size_t kHalf = 16;
  if (text.size() != 2 * kHalf) return {};
  return {hexadecimal(text.substr(0, kHalf)), hexadecimal(text.substr(kHalf))};
}

}  // namespace novaplane::store
