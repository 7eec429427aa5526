#include "dataplane/base/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <net/if.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace novaplane {
namespace {

/// inet_pton wants a terminated string; addresses are short.
bool to_bytes(int family, std::string_view text, void* out) {
  char terminated[INET6_ADDRSTRLEN + 1] = {};
  if (text.size() >= sizeof(terminated) || text.find('\0') != text.npos) return false;
  std::memcpy(terminated, text.data(), text.size());
  return inet_pton(family, terminated, out) == 1;
}

/// The range's bits of byte `index` are 1.
std::uint8_t mask_byte(unsigned length, std::size_t index) {
  const auto used = std::clamp<int>(static_cast<int>(length) - static_cast<int>(index) * 8, 0, 8);
  return static_cast<std::uint8_t>(0xff00 >> used);
}

template <class Combine>
IpAddress combine(const Prefix& prefix, Combine&& with_mask) {
  std::array<std::uint8_t, 16> bytes{};
  const auto from = prefix.address.bytes();
  for (std::size_t i = 0; i < from.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(with_mask(from[i], mask_byte(prefix.length, i)));
  }
  return *IpAddress::from_bytes({bytes.data(), from.size()});
}

}  // namespace

IpAddress IpAddress::v4(std::uint32_t host_order) {
  IpAddress address;
  const std::uint32_t network_order = htonl(host_order);
  std::memcpy(address.bytes_.data(), &network_order, 4);
  return address;
}

std::optional<IpAddress> IpAddress::from_bytes(std::span<const std::uint8_t> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress address;
  address.size_ = static_cast<std::uint8_t>(bytes.size());
  std::copy(bytes.begin(), bytes.end(), address.bytes_.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  IpAddress address;
  address.size_ = text.find(':') == std::string_view::npos ? 4 : 16;
  if (!to_bytes(address.family(), text, address.bytes_.data())) return std::nullopt;
  return address;
}

int IpAddress::family() const { return is_v4() ? AF_INET : AF_INET6; }

bool IpAddress::is_loopback() const {
  if (is_v4()) return bytes_[0] == 127;
  return *this == *IpAddress::parse("::1");
}

bool IpAddress::is_multicast() const {
  return is_v4() ? (bytes_[0] & 0xf0) == 0xe0 : bytes_[0] == 0xff;
}

bool IpAddress::is_unspecified() const { return bytes_ == std::array<std::uint8_t, 16>{}; }

std::uint32_t IpAddress::v4_value() const {
  std::uint32_t network_order;
  std::memcpy(&network_order, bytes_.data(), 4);
  return ntohl(network_order);
}

std::string IpAddress::to_string() const {
  if (is_v4()) return fmt::format("{}.{}.{}.{}", bytes_[0], bytes_[1], bytes_[2], bytes_[3]);
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family(), bytes_.data(), text, sizeof(text));
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = IpAddress::parse(text.substr(0, slash));
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool whole = error == std::errc{} && end == digits.data() + digits.size();
  if (!address || !whole || length > address->bits()) return std::nullopt;
  return Prefix{*address, static_cast<std::uint8_t>(length)};
}

bool Prefix::contains(const IpAddress& candidate) const {
  return candidate.is_v4() == address.is_v4() && Prefix{candidate, length}.network() == network();
}

bool Prefix::overlaps(const Prefix& other) const {
  return length <= other.length ? contains(other.address) : other.contains(address);
}

IpAddress Prefix::network() const {
  return combine(*this, [](std::uint8_t byte, std::uint8_t mask) { return byte & mask; });
}

IpAddress Prefix::broadcast() const {
  return combine(*this, [](std::uint8_t byte, std::uint8_t mask) { return byte | (~mask & 0xff); });
}

std::string Prefix::to_string() const { return fmt::format("{}/{}", address.to_string(), length); }

std::optional<Mac> Mac::parse(std::string_view text) {
  Mac mac;
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < 6; ++i) {
    const char* digits = text.data() + i * 3;
    const auto [end, error] = std::from_chars(digits, digits + 2, mac.bytes[i], 16);
    if (error != std::errc{} || end != digits + 2) return std::nullopt;
    if (i < 5 && digits[2] != ':') return std::nullopt;
  }
  return mac;
}

std::string Mac::to_string() const { return fmt::format("{:02x}", fmt::join(bytes, ":")); }

IpAddress slaac_address(const Prefix& range, const Mac& mac) {
  constexpr std::uint8_t kUniversalLocal = 0x02;
  const auto& m = mac.bytes;
  const IpAddress network = range.network();
  std::array<std::uint8_t, 16> bytes{};
  std::copy_n(network.bytes().begin(), 8, bytes.begin());
  const std::uint8_t identifier[] = {
      static_cast<std::uint8_t>(m[0] ^ kUniversalLocal), m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
  std::copy(std::begin(identifier), std::end(identifier), bytes.begin() + 8);
  return *IpAddress::from_bytes(bytes);
}

bool is_link_name(std::string_view name) {
  if (name.empty() || name.size() >= IFNAMSIZ || name == "." || name == "..") return false;
  return std::none_of(name.begin(), name.end(), [](unsigned char c) {
    return c == '/' || c == ':' || std::isspace(c) || c == '\0';
  });
}

std::string link_name(std::string_view name) {
  constexpr std::size_t kLongest = IFNAMSIZ - 1;
  if (name.size() <= kLongest) return std::string(name);
  constexpr std::size_t kDigits = 5;
  const std::uint64_t tail = digest(name) & 0xfffff;
  return fmt::format("{}-{:05x}", name.substr(0, kLongest - kDigits - 1), tail);
}

}  // namespace novaplane
