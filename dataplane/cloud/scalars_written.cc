#include <initializer_list>

#include "dataplane/cloud/scalars.h"

/// Values as the document writes them; each is what its reader reads.
namespace novaplane::cloud {
namespace {

/// In the largest of the units that leaves no rest; the last one has factor 1.
Scalar in_largest(std::uint64_t value,
                  std::initializer_list<std::pair<const char*, double>> units) {
  for (const auto& [name, factor] : units) {
    const auto whole_factor = static_cast<std::uint64_t>(factor);
    if (value % whole_factor == 0) return {fmt::format("{}{}", value / whole_factor, name)};
  }
  return {fmt::format("{}", value)};
}

}  // namespace

Scalar to_scalar(bool value) { return {value ? "true" : "false", false}; }
Scalar to_scalar(const std::string& text) { return {text}; }
Scalar to_scalar(const IpAddress& address) { return {address.to_string()}; }
Scalar to_scalar(const Prefix& range) { return {range.to_string()}; }
Scalar to_scalar(const Mac& mac) { return {mac.to_string()}; }
Scalar to_scalar(const SocketAddress& server) {
  if (server.address.is_v4()) return {fmt::format("{}:{}", server.address, server.port)};
  return {fmt::format("[{}]:{}", server.address, server.port)};
}
Scalar to_scalar(const ServicePort& service) {
  return {fmt::format("{}/{}", service.protocol == Protocol::tcp ? "tcp" : "udp", service.port)};
}
Scalar to_scalar(const PortRange& range) {
  if (range.first == range.last) return to_scalar(range.first);
  return {fmt::format("{}-{}", range.first, range.last)};
}

Scalar write_milliseconds(std::uint32_t value) {
  return in_largest(value, {{"h", 3600e3}, {"m", 60e3}, {"s", 1e3}, {"ms", 1}});
}
Scalar write_seconds(std::uint32_t value) {
  return in_largest(value, {{"h", 3600}, {"m", 60}, {"s", 1}});
}
Scalar write_rate(std::uint64_t value) {
  return in_largest(value, {{"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1}});
}
Scalar write_size(std::uint64_t value) {
  return in_largest(value, {{"gb", 0x1p30}, {"mb", 0x1p20}, {"kb", 0x1p10}, {"b", 1}});
}
Scalar write_address_or_range(Prefix range) {
  const bool is_single = range.network() == range.broadcast();
  return {is_single ? range.address.to_string() : range.to_string()};
}
Scalar write_mark_mask(std::uint32_t value) { return {fmt::format("{:#x}", value)}; }

}  // namespace novaplane::cloud
