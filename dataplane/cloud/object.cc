#include "dataplane/cloud/object.h"

#include <array>

namespace novaplane::cloud {
namespace {

constexpr std::array<std::string_view, 8> kSections{"ranges",        "hosts", "security_groups",
                                                    "networks",      "ports", "floating_ips",
                                                    "port_forwards", "pools"};

struct NameOf {
  std::string operator()(const Ranges&) const { return std::string(kRangesName); }
  std::string operator()(const FloatingIp& ip) const { return ip.address.to_string(); }
  std::string operator()(const auto& object) const { return object.name; }
};

template <class Objects, class Name>
std::optional<AnyObject> copy_of(const Objects& objects, const Name& name) {
  const auto found = objects.find(name);
  if (found == objects.end()) return std::nullopt;
  return found->second;
}

}  // namespace

std::string_view section_of(Kind kind) { return kSections[static_cast<std::size_t>(kind)]; }

std::optional<Kind> kind_of(std::string_view section) {
  for (std::size_t i = 0; i < kSections.size(); ++i) {
    if (kSections[i] == section) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

std::string to_string(const ObjectName& name) {
  return std::string(section_of(name.kind)) + '/' + name.name;
}

ObjectName name_of(const AnyObject& object) {
  return {static_cast<Kind>(object.index()), std::visit(NameOf(), object)};
}

std::optional<AnyObject> find_object(const Cloud& cloud, const ObjectName& name) {
  switch (name.kind) {
    case Kind::ranges:
      return Ranges{cloud.no_snat, cloud.force_snat};
    case Kind::host:
      return copy_of(cloud.hosts, name.name);
    case Kind::security_group:
      return copy_of(cloud.security_groups, name.name);
    case Kind::network:
      return copy_of(cloud.networks, name.name);
    case Kind::port:
      return copy_of(cloud.ports, name.name);
    case Kind::floating_ip:
      if (const auto address = IpAddress::parse(name.name)) {
        return copy_of(cloud.floating_ips, *address);
      }
      return std::nullopt;
    case Kind::port_forward:
      return copy_of(cloud.port_forwards, name.name);
    case Kind::pool:
      break;
  }
  return std::nullopt;
}

}  // namespace novaplane::cloud
