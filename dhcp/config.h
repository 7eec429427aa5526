#pragma once

#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/cloud/cloud.h"

/// dnsmasq's languages: its configuration file, and the lines of its hosts files. Pure text.
namespace novaplane::dhcp {

/// A network as this host serves it.
struct Served {
  const cloud::Network& network;
  IpAddress host_address;                       ///< on the bridge: where DHCP and DNS answer
  std::optional<IpAddress> host_address6 = {};  ///< on the bridge: where DNS answers, too
  std::optional<IpAddress> router;              ///< that guests are told
  std::uint32_t mtu = 1500;
};

/// The configuration file of a network's dnsmasq. It holds what the document says; where files and
/// processes live is told on the command line. An error: a value that would not stay within its
/// own line or list.
Result<std::string> config_text(const Served&);

/// The same for IPv6 of the network, which another dnsmasq serves: router advertisements and
/// DHCPv6 need the whole link, while names are answered on single addresses.
Result<std::string> config6_text(const Served&);

/// A line for a hosts directory of DHCP: MAC, address, full name.
Result<std::string> host_line(const cloud::Port&, const cloud::Dhcp&);
/// Of DHCPv6; the port has an address6.
Result<std::string> host6_line(const cloud::Port&, const cloud::Dhcp&);

/// A line for a hosts directory of DNS: one of the port's addresses, full name, short name.
Result<std::string> name_line(const cloud::Port&, const IpAddress&, const cloud::Dhcp&);

}  // namespace novaplane::dhcp
