#include "dataplane/api/sections.h"

#include "dataplane/cloud/rules.h"
#include "dataplane/cloud/schema.h"

namespace novaplane::api {
namespace {

template <class Objects>
void each_of(const Objects& objects, const std::function<void(const cloud::AnyObject&)>& f) {
  if constexpr (requires(typename Objects::mapped_type object) { object.order; }) {
    for (const auto* object : cloud::in_order(objects)) f(*object);
  } else {
    for (const auto& [name, object] : objects) f(object);
  }
}

}  // namespace

void for_each_object(const store::Copy& copy, cloud::Kind kind,
                     const std::function<void(const cloud::AnyObject&)>& f) {
  const cloud::Cloud& cloud = copy.cloud();
  switch (kind) {
    case cloud::Kind::ranges:
      return f(cloud::Ranges{cloud.no_snat, cloud.force_snat});
    case cloud::Kind::host:
      return each_of(cloud.hosts, f);
    case cloud::Kind::security_group:
      return each_of(cloud.security_groups, f);
    case cloud::Kind::network:
      return each_of(cloud.networks, f);
    case cloud::Kind::port:
      return each_of(cloud.ports, f);
    case cloud::Kind::floating_ip:
      return each_of(cloud.floating_ips, f);
    case cloud::Kind::port_forward:
      return each_of(cloud.port_forwards, f);
    case cloud::Kind::pool:
      return each_of(copy.pools(), f);
  }
}

std::vector<std::string> keys_of(cloud::Kind kind) {
  if (kind == cloud::Kind::ranges) return {"no_snat", "force_snat"};
  const std::string section = std::string(cloud::section_of(kind)) + '.';
  std::vector<std::string> keys;
  cloud::visit_schema([&](const std::string& path) {
    if (!path.starts_with(section)) return;
    std::string key = path.substr(section.size());
    if (key.find('.') == std::string::npos) keys.push_back(std::move(key));
  });
  return keys;
}

}  // namespace novaplane::api
