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
  IpAddress host_address;           ///< on the bridge: where DHCP and DNS answer
  std::optional<IpAddress> router;  ///< that guests are told
  std::uint32_t mtu = 1500;
};

/// The configuration file of a network's dnsmasq. It holds what the document says; where files and
/// processes live is told on the command line. An error: a value that would not stay within its
/// own line or list.
Result<std::string> config_text(const Served&);

/// A line for a hosts directory of DHCP: MAC, address, name.
Result<std::string> host_line(const cloud::Port&);

/// A line for a hosts directory of DNS: address, full name, short name.
Result<std::string> name_line(const cloud::Port&, const cloud::Dhcp&);

}  // namespace novaplane::dhcp
