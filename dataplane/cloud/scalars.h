#pragma once

#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "dataplane/base/address.h"
#include "dataplane/cloud/cloud.h"
#include "dataplane/cloud/events.h"

/// The notations of the document's values. Each function reads one scalar or says why not.
namespace novaplane::cloud {

struct Refusal {
  std::string kind;
  std::string sentence;
};

template <class T>
using Parsed = tl::expected<T, Refusal>;

/// A value as the document writes it.
struct Scalar {
  std::string text;
  bool is_text = true;  ///< else a number, true or false: it stands without quotes
};

/// How a value is read and written, where its type alone does not tell how it is written.
template <auto read, auto to_written>
struct Notation {
  auto operator()(const Event& event) const { return read(event); }
  Scalar write(const auto& value) const { return to_written(value); }
};

Scalar to_scalar(bool);
template <std::unsigned_integral T>
Scalar to_scalar(T number) {
  return {fmt::format("{}", number), false};
}
Scalar to_scalar(const std::string&);
Scalar to_scalar(const IpAddress&);
Scalar to_scalar(const Prefix&);
Scalar to_scalar(const Mac&);
Scalar to_scalar(const SocketAddress&);
Scalar to_scalar(const ServicePort&);
Scalar to_scalar(const PortRange&);

/// The value as `parse` reads it.
template <auto parse>
Scalar written(const auto& value) {
  if constexpr (requires { parse.write(value); }) {
    return parse.write(value);
  } else {
    return to_scalar(value);
  }
}

/// "10.0.0.300" as a sentence shows it: in quotes, without control characters, not endless.
std::string shown(std::string_view text);
/// `"10.0.0.300" is not an IPv4 address`
tl::unexpected<Refusal> is_not(std::string_view text, std::string_view wanted);

Parsed<bool> boolean(const Event&);  ///< true, false
/// Decimal digits, not quoted, no leading zero.
Parsed<std::uint64_t> number_between(const Event&, std::uint64_t least, std::uint64_t most);
template <std::uint64_t least, std::uint64_t most>
Parsed<std::uint64_t> number(const Event& event) {
  return number_between(event, least, most);
}

Parsed<std::string> object_name(const Event&);  ///< letters, digits, '.', '_', '-'; 1 to 63
Parsed<std::string> uplink_name(const Event&);  ///< as above, but not "any"
Parsed<std::string> link(const Event&);         ///< what the kernel takes for a link, ASCII
Parsed<std::string> host_name(const Event&);    ///< as object_name(), up to 253
Parsed<std::string> domain(const Event&);  ///< RFC 1123 labels with dots between, no number last
Parsed<std::string> absolute_path(const Event&);  ///< begins with '/', no control characters
Parsed<std::string> single_line(const Event&);    ///< no control characters

Parsed<IpAddress> ipv4(const Event&);     ///< of one machine: no multicast, loopback or 0.0.0.0
Parsed<IpAddress> ipv6(const Event&);     ///< likewise
Parsed<IpAddress> address(const Event&);  ///< likewise, either family
Parsed<IpAddress> server(const Event&);   ///< likewise, may be a loopback address
Parsed<Prefix> range4(const Event&);      ///< "10.0.0.0/24", no host bits
Parsed<Prefix> range6(const Event&);
Parsed<Prefix> any_range(const Event&);  ///< of either family
Parsed<Mac> mac(const Event&);           ///< unicast, not zero

Parsed<SocketAddress> socket_address(const Event&);  ///< "127.0.0.1:8775", "[2001:db8::1]:80"
Parsed<ServicePort> service_port(const Event&);      ///< "tcp/22"
Parsed<PortRange> port_range(const Event&);          ///< "80" or "8000-8010"

Parsed<std::uint32_t> read_milliseconds(const Event&);
Scalar write_milliseconds(std::uint32_t);
Parsed<std::uint32_t> read_lease_time(const Event&);
Scalar write_seconds(std::uint32_t);
Parsed<std::uint64_t> read_rate(const Event&);
Scalar write_rate(std::uint64_t);
Parsed<std::uint64_t> read_size(const Event&);
Scalar write_size(std::uint64_t);
Parsed<Prefix> read_address_or_range(const Event&);
Scalar write_address_or_range(Prefix);
Parsed<std::uint32_t> read_mark_mask(const Event&);
Scalar write_mark_mask(std::uint32_t);

/// "100ms", "5s", "30m", "24h"
inline constexpr Notation<read_milliseconds, write_milliseconds> milliseconds{};
/// As above, or seconds; dnsmasq: 2m or more.
inline constexpr Notation<read_lease_time, write_seconds> lease_time{};
/// As tc(8): "100mbit", "1.5gbit"; bit/s.
inline constexpr Notation<read_rate, write_rate> rate{};
/// As tc(8): "32kb", "1mb"; bytes.
inline constexpr Notation<read_size, write_size> size{};
/// "192.0.2.7" or "192.0.2.0/24"
inline constexpr Notation<read_address_or_range, write_address_or_range> address_or_range{};
/// "0xff00000f", kFewestMarkBits or more
inline constexpr Notation<read_mark_mask, write_mark_mask> mark_mask{};

/// One word of a table: `choice<kGatewayModes>`.
template <class T>
struct Choice {
  const char* name;
  T value;
};

template <const auto& choices>
struct ChoiceOf {
  using Value = decltype(choices[0].value);

  Parsed<Value> operator()(const Event& event) const {
    std::string names;
    for (const auto& candidate : choices) {
      if (event.text == candidate.name) return candidate.value;
      names += names.empty() ? "" : ", ";
      names += candidate.name;
    }
    return is_not(event.text, "one of " + names);
  }
  Scalar write(Value value) const {
    for (const auto& candidate : choices) {
      if (candidate.value == value) return {candidate.name};
    }
    return {};
  }
};
template <const auto& choices>
inline constexpr ChoiceOf<choices> choice{};

}  // namespace novaplane::cloud
