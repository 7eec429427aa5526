#pragma once

#include <string>
#include <string_view>

#include "dataplane/cloud/dhcp_option.h"

/// How a value is written into dnsmasq's files so that it is read in one way only.
namespace novaplane::dhcp {

/// What is neither a separator nor a wildcard, a quote or a comment to dnsmasq.
bool is_plain(std::string_view text);

/// In double quotes: a text whatever it looks like.
std::string quoted(std::string_view text);

/// "01:a2": two octets or more, a single one would be a number.
std::string colon_hex(std::string_view octets);

/// What follows the option's name and a comma; empty: an option without a value.
std::string to_text(const cloud::DhcpValue& value);

}  // namespace novaplane::dhcp
