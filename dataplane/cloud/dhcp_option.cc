#include "dataplane/cloud/dhcp_option.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <span>

#include "dataplane/cloud/nearest.h"

namespace novaplane::cloud {
namespace {

using enum DhcpType;

/// What `dnsmasq --help dhcp` lists, with the types of RFC 2132 and, from 64 on, of the options'
/// own RFCs; without a name what dnsmasq takes by number only.
constexpr DhcpOption kOptions[] = {
    {1, "netmask", one_address},
    {2, "time-offset", signed32},
    {3, "router", addresses},
    {4, "", addresses},
    {5, "", addresses},
    {6, "dns-server", addresses},
    {7, "log-server", addresses},
    {8, "", addresses},
    {9, "lpr-server", addresses},
    {10, "", addresses},
    {11, "", addresses},
    {13, "boot-file-size", number16},
    {14, "", text},
    {15, "domain-name", text},
    {16, "swap-server", addresses},
    {17, "root-path", text},
    {18, "extension-path", text},
    {19, "ip-forward-enable", number8},
    {20, "non-local-source-routing", number8},
    {21, "policy-filter", address_pairs},
    {22, "max-datagram-reassembly", number16},
    {23, "default-ttl", number8},
    {26, "mtu", number16},
    {27, "all-subnets-local", number8},
    {28, "", one_address},
    {31, "router-discovery", number8},
    {32, "router-solicitation", one_address},
    {33, "static-route", address_pairs},
    {34, "trailer-encapsulation", number8},
    {35, "arp-timeout", number32},
    {36, "ethernet-encap", number8},
    {37, "tcp-ttl", number8},
    {38, "tcp-keepalive", number32},
    {40, "nis-domain", text},
    {41, "nis-server", addresses},
    {42, "ntp-server", addresses},
    {44, "netbios-ns", addresses},
    {45, "netbios-dd", addresses},
    {46, "netbios-nodetype", number8},
    {47, "netbios-scope", anything},
    {48, "x-windows-fs", addresses},
    {49, "x-windows-dm", addresses},
    {58, "T1", seconds},
    {59, "T2", seconds},
    {60, "vendor-class", anything},
    {64, "nis+-domain", text},
    {65, "nis+-server", addresses},
    {66, "tftp-server", text},
    {67, "bootfile-name", text},
    {68, "mobile-ip-home", addresses},
    {69, "smtp-server", addresses},
    {70, "pop3-server", addresses},
    {71, "nntp-server", addresses},
    {72, "", addresses},
    {73, "", addresses},
    {74, "irc-server", addresses},
    {75, "", addresses},
    {76, "", addresses},
    {77, "user-class", anything},
    {80, "rapid-commit", nothing},
    {93, "client-arch", number16},
    {94, "client-interface-id", anything},
    {97, "client-machine-id", anything},
    {100, "posix-timezone", text},
    {101, "tzdb-timezone", text},
    {108, "ipv6-only", number32},
    {114, "", text},
    {119, "domain-search", domains},
    {120, "sip-server", sip_servers},
    {121, "classless-static-route", routes},
    {125, "vendor-id-encap", anything},
    {150, "tftp-server-address", addresses},
    {249, "", routes},
    {252, "", text},
    {255, "server-ip-address", one_address},
};

/// Of each message or each port, and dnsmasq's own.
struct Reserved {
  std::uint8_t code;
  std::string_view name, reason;
};
constexpr std::string_view kOfTheMessage = "dnsmasq writes it into each message";
constexpr Reserved kReserved[] = {
    {12, "hostname", "each port has its own: ports.NAME.hostname"},
    {50, "requested-address", "a client sends it"},
    {51, "lease-time", "dhcp.lease says it"},
    {52, "option-overload", kOfTheMessage},
    {53, "message-type", kOfTheMessage},
    {54, "server-identifier", kOfTheMessage},
    {55, "parameter-request", "a client sends it"},
    {56, "message", kOfTheMessage},
    {57, "max-message-size", "a client sends it"},
    {61, "client-id", "a client sends it"},
    {81, "FQDN", kOfTheMessage},
    {82, "agent-id", "a relay sends it"},
};

tl::unexpected<Refusal> unknown(std::string_view key) {
  std::vector<std::string_view> names;
  for (const DhcpOption& option : kOptions) {
    if (!option.name.empty()) names.push_back(option.name);
  }
  const std::string_view meant = nearest(key, names);
  return tl::unexpected(Refusal{
      "bad-name", meant.empty() ? fmt::format("{} is neither a DHCP option number (1 to 254) nor a "
                                              "name such as ntp-server",
                                              shown(key))
                                : fmt::format("{} is not the name of a DHCP option; did you mean "
                                              "{}?",
                                              shown(key), meant)});
}

/// 1 to 254, in one way of writing it.
std::optional<std::uint8_t> code_of(std::string_view key) {
  std::uint8_t code = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), code);
  const bool is_whole = error == std::errc{} && end == key.data() + key.size();
  return is_whole && key.front() != '0' && code != 255 ? std::optional(code) : std::nullopt;
}

}  // namespace

Parsed<DhcpOption> dhcp_option(const Event& key) {
  const auto code = code_of(key.text);
  for (const Reserved& reserved : kReserved) {
    if (code != reserved.code && key.text != reserved.name) continue;
    return tl::unexpected(
        Refusal{"bad-name", fmt::format("option {} ({}) is not for documents: {}", reserved.code,
                                        reserved.name, reserved.reason)});
  }
  for (const DhcpOption& option : kOptions) {
    if (code ? option.code == *code : !option.name.empty() && option.name == key.text) {
      return option;
    }
  }
  if (code) return DhcpOption{*code, {}, anything};
  return unknown(key.text);
}

}  // namespace novaplane::cloud
