#include "dhcp/entries.h"

#include <algorithm>

namespace novaplane::dhcp {
namespace {

/// "10.0.0.11" or "[2001:db8::11]"
std::optional<IpAddress> address_of(std::string_view field) {
  const bool in_brackets = field.starts_with('[') && field.ends_with(']');
  return IpAddress::parse(in_brackets ? field.substr(1, field.size() - 2) : field);
}

}  // namespace

engine::ServiceKey service_of(std::string_view network) {
  return std::string(kServicePrefix) += network;
}

engine::ServiceKey service6_of(std::string_view network) {
  return service_of(network) += kIpv6Suffix;
}

std::string network_of(const engine::ServiceKey& service) {
  if (!service.starts_with(kServicePrefix)) return {};
  std::string name = service.substr(kServicePrefix.size());
  if (name.ends_with(kIpv6Suffix)) name.resize(name.size() - kIpv6Suffix.size());
  return name;
}

std::optional<KnownHost> known_host(const engine::ServiceEntryKey& key,
                                    const engine::ServiceEntry& entry) {
  if (!key.name.starts_with(kHostPrefix)) return std::nullopt;
  KnownHost host{key.name.substr(kHostPrefix.size()), network_of(key.service), {}, {}};
  for (std::string_view rest = entry.line; !rest.empty();) {
    const std::string_view field = rest.substr(0, rest.find(','));
    if (const auto mac = Mac::parse(field)) host.mac = *mac;
    if (const auto address = address_of(field)) host.address = *address;
    rest.remove_prefix(std::min(field.size() + 1, rest.size()));
  }
  return host;
}

}  // namespace novaplane::dhcp
