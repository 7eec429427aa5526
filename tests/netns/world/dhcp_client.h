#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/netns/world/process.h"

namespace novaplane::netns {

class Namespace;

enum class Client { udhcpc, dhclient, dhcpcd };
std::string to_string(Client);

/// What a DHCP server gave, in the client's own words. Absent values are empty.
struct Lease {
  std::string address, mask, server, router, mtu, hostname, domain, seconds;
  std::vector<std::string> dns;
  std::string classless_routes;            ///< RFC 3442: "172.16.0.0/12 10.0.0.9" and so on
  std::map<std::string, std::string> all;  ///< the client's whole environment
};

/// Runs the real client on eth0 of `where` (udhcpc with the arguments -i eth1: there) until it has
/// a lease or gives up. The client's script configures the interface as it is told; its files live
/// in `folder`. dhclient stays to renew.
std::optional<Lease> dhcp(const Namespace& where, Client client, const std::string& folder,
                          const std::vector<std::string>& extra_arguments = {});

/// What a DHCPv6 server said (RFC 8415).
struct Lease6 {
  std::string address;
  std::vector<std::string> dns;
  std::string domains;
  std::map<std::string, std::string> all;  ///< the client's own words
};

/// Runs dhclient or dhcpcd on eth0 until it has an IPv6 lease, which it configures. dhcpcd hears
/// router advertisements itself, and asks because they say so.
std::optional<Lease6> dhcp6(const Namespace& where, Client client, const std::string& folder);

}  // namespace novaplane::netns
