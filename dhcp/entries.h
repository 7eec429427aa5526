#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/engine/rows.h"

/// How the rows of DHCP are called, and what they tell:
///
///   network blue    service "dhcp/blue"; with IPv6 "dhcp/blue+ipv6", too
///   port web1       entry "host web1" of these: who gets which address;
///                   entries "name web1" and "name web1/ipv6" of "dhcp/blue": who is called what
namespace novaplane::dhcp {

constexpr std::string_view kServicePrefix = "dhcp/", kIpv6Suffix = "+ipv6";
constexpr std::string_view kHostPrefix = "host ", kNamePrefix = "name ";

engine::ServiceKey service_of(std::string_view network);
/// No network's name has such a sign.
engine::ServiceKey service6_of(std::string_view network);
/// Of either family; empty: the service is somebody else's.
std::string network_of(const engine::ServiceKey& service);

/// What dnsmasq is told of a port: a line that host_line() or host6_line() has written.
struct KnownHost {
  std::string port, network;
  std::optional<Mac> mac;
  std::optional<IpAddress> address;  ///< of the service's family
};

/// None: the entry is a name's.
std::optional<KnownHost> known_host(const engine::ServiceEntryKey&, const engine::ServiceEntry&);

}  // namespace novaplane::dhcp
