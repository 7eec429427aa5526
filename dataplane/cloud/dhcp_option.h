#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/cloud/scalars.h"

/// Options of DHCP for IPv4 (RFC 2132 and those that came later), by dnsmasq's names.
namespace novaplane::cloud {

enum class DhcpType : std::uint8_t {
  one_address,    ///< of IPv4
  addresses,      ///< a list of them
  address_pairs,  ///< an even number of them
  routes,         ///< RFC 3442: ranges, each followed by a router's address
  domains,        ///< RFC 3397
  sip_servers,    ///< RFC 3361: addresses or domains
  text,
  number8,
  number16,
  number32,
  signed32,
  seconds,
  nothing,   ///< the option has no value
  anything,  ///< its value is taken for what it looks like
};

struct DhcpOption {
  std::uint8_t code = 0;  ///< 255: the server's address in the header of the message (dnsmasq)
  std::string_view name;  ///< empty: dnsmasq has none
  DhcpType type = DhcpType::anything;
};

/// By name or number (1 to 254). Refused: what is unknown, with the name that was probably meant,
/// and what dnsmasq sets by itself for each port.
Parsed<DhcpOption> dhcp_option(const Event& key);

/// The value of an option, as it is sent.
struct DhcpValue {
  enum class Form : std::uint8_t {
    words,   ///< addresses, domains or a number
    text,    ///< one word: these characters
    octets,  ///< one word: these octets
  };
  Form form = Form::words;
  std::vector<std::string> words;  ///< none: an option without a value
};

/// Refused: a value of another type or one longer than an option (255 octets). "a text" in double
/// quotes is a text whatever it looks like, with \" \\ \t \n \b \r \e as dnsmasq knows them.
Parsed<DhcpValue> dhcp_value(const DhcpOption& option, std::string_view text);

/// What an option can hold (RFC 2132, section 2).
constexpr std::size_t kDhcpOptionOctets = 255;

/// A route in option 121 (RFC 3442): the range's length, as much of it as counts, the router.
std::string route_octets(const Prefix& destination, const IpAddress& router);

}  // namespace novaplane::cloud
