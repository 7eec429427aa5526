#pragma once

#include <fmt/format.h>

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

Parsed<std::uint32_t> milliseconds(const Event&);  ///< "100ms", "5s", "30m", "24h"
Parsed<std::uint32_t> lease_time(const Event&);    ///< as above, or seconds; dnsmasq: 2m or more
Parsed<std::uint64_t> rate(const Event&);          ///< as tc(8): "100mbit", "1.5gbit"; bit/s
Parsed<std::uint64_t> size(const Event&);          ///< as tc(8): "32kb", "1mbit"; bytes
Parsed<std::uint32_t> mark_mask(const Event&);     ///< "0xff00000f", kFewestMarkBits or more

/// One word of a table: `choice<kGatewayModes>`.
template <class T>
struct Choice {
  const char* name;
  T value;
};

template <const auto& choices>
auto choice(const Event& event) -> Parsed<decltype(choices[0].value)> {
  std::string names;
  for (const auto& candidate : choices) {
    if (event.text == candidate.name) return candidate.value;
    names += names.empty() ? "" : ", ";
    names += candidate.name;
  }
  return is_not(event.text, "one of " + names);
}

}  // namespace novaplane::cloud
