#pragma once

#include <fmt/core.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/base/hash.h"

namespace novaplane {

/// An IPv4 or IPv6 address. Ordered by family, then by value.
class IpAddress {
 public:
  constexpr IpAddress() = default;  ///< 0.0.0.0
  static IpAddress v4(std::uint32_t host_order);
  /// From 4 or 16 bytes in network order, as netlink and nf_tables carry them.
  static std::optional<IpAddress> from_bytes(std::span<const std::uint8_t> bytes);
  /// Dotted quad or RFC 4291 text; nothing else (no "10.1", no zone).
  static std::optional<IpAddress> parse(std::string_view text);

  bool is_v4() const { return size_ == 4; }
  int family() const;  ///< AF_INET or AF_INET6
  unsigned bits() const { return size_ * 8u; }
  bool is_loopback() const;  ///< 127.0.0.0/8 or ::1
  bool is_multicast() const;
  bool is_unspecified() const;
  std::uint32_t v4_value() const;  ///< host order; v4 only
  std::span<const std::uint8_t> bytes() const { return {bytes_.data(), size_}; }  ///< network order
  std::string to_string() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::uint8_t size_ = 4;
  std::array<std::uint8_t, 16> bytes_{};
};

/// An address with a length: a range ("10.0.0.0/24") or an interface's address ("10.0.0.1/24").
struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;

  /// "10.0.0.0/24"; the host bits may be set, see is_range().
  static std::optional<Prefix> parse(std::string_view text);

  bool is_range() const { return network() == address; }  ///< no host bits set
  bool contains(const IpAddress& candidate) const;
  bool overlaps(const Prefix& other) const;
  IpAddress network() const;    ///< first address of the range
  IpAddress broadcast() const;  ///< last address of the range
  std::string to_string() const;

  auto operator<=>(const Prefix&) const = default;
};

/// An Ethernet address.
struct Mac {
  std::array<std::uint8_t, 6> bytes{};

  static std::optional<Mac> parse(std::string_view text);  ///< "fa:16:3e:00:00:01", either case
  bool is_multicast() const { return bytes[0] & 1; }
  bool is_zero() const { return *this == Mac{}; }
  std::string to_string() const;

  auto operator<=>(const Mac&) const = default;
};

/// The address that a machine gives itself in a /64 without asking anybody: the range and its MAC
/// as a modified EUI-64 (RFC 4862, 5.5.3; RFC 4291, appendix A).
IpAddress slaac_address(const Prefix& range, const Mac& mac);

/// A name that the kernel takes for a link (net/core/dev.c, dev_valid_name): 1 to 15 bytes, no
/// '/', ':' or white space, not "." or "..".
bool is_link_name(std::string_view name);

/// `name` itself, or its head and a digest when it is longer than a link's name may be.
std::string link_name(std::string_view name);

}  // namespace novaplane

template <>
struct std::hash<novaplane::IpAddress> {
  std::size_t operator()(const novaplane::IpAddress& a) const {
    const auto bytes = a.bytes();
    return std::hash<std::string_view>{}(
        {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
};
template <>
struct std::hash<novaplane::Prefix> {
  std::size_t operator()(const novaplane::Prefix& p) const {
    return novaplane::hash_of(p.address, p.length);
  }
};
template <>
struct std::hash<novaplane::Mac> {
  std::size_t operator()(const novaplane::Mac& m) const {
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(m.bytes.data()), 6});
  }
};

/// Addresses print as themselves: fmt::format("{}", prefix).
template <class T>
requires(std::same_as<T, novaplane::IpAddress> || std::same_as<T, novaplane::Prefix> ||
         std::same_as<T, novaplane::Mac>) struct fmt::formatter<T>
    : fmt::formatter<std::string_view> {
  auto format(const T& value, format_context& context) const {
    return fmt::formatter<std::string_view>::format(value.to_string(), context);
  }
};
