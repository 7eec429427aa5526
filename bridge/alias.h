#pragma once

#include <string>
#include <string_view>

/// The alias of the links that serve a network: its bridge, its VLAN or VXLAN device. It is for
/// people, and tells `show` what the document calls a bridge.
namespace novaplane::bridge {

constexpr std::string_view kNetworkAlias = "novaplane network ";

inline std::string alias_of(std::string_view network) {
  return std::string(kNetworkAlias) += network;
}

/// Empty: the alias is of somebody else's making.
inline std::string network_of_alias(std::string_view alias) {
  return std::string(alias.starts_with(kNetworkAlias) ? alias.substr(kNetworkAlias.size()) : "");
}

}  // namespace novaplane::bridge
