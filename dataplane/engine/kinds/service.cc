#include "dataplane/engine/kinds/service.h"

#include <algorithm>

#include "dataplane/engine/service_driver.h"
#include "dataplane/engine/tables.h"

namespace novaplane::engine {
namespace {

constexpr std::string_view kOfNetworks = "dhcp/", kProxy = "metadata/proxy";

}  // namespace

std::string_view program_of(const ServiceKey& key) {
  const std::string_view name = key;
  if (name.starts_with(kOfNetworks)) return "dnsmasq";
  return name == kProxy ? "novaplane-metadata" : name.substr(name.rfind('/') + 1);
}

std::string title_of(const ServiceKey& key) {
  const std::string program(program_of(key));
  return key.starts_with(kOfNetworks) ? program + ' ' + key : program;
}

std::string ServiceKind::what(const ServiceChange& change) {
  const std::string_view word = change.before && change.after ? "restart"
                                : change.after                ? "start"
                                                              : "stop";
  const std::string device = change.after    ? change.after->device
                             : change.before ? change.before->device
                                             : "";
  return fmt::format("{} {}{}{}", word, title_of(change.key), device.empty() ? "" : " on ", device);
}

std::string ServiceKind::difference(const Service& before, const Service& after) {
  return before.config != after.config ? "its configuration changed" : "its link changed";
}

void ServiceKind::on(const SeenServices& seen, KernelView&, Tables& tables) {
  tables.services.forget_actual();
  for (const auto& [key, service] : seen.services) tables.services.set_actual(key, service);
}

/// It runs on, and serves a link that is no more.
void ServiceKind::on_link_gone(const std::string& link, bool was_ours, Tables& tables) {
  if (!was_ours) return;
  RowList<ServiceKey, Service> services;
  tables.services.rows().for_each([&](const ServiceKey& key, auto*, const Service* actual) {
    if (!actual) return;
    const bool has_lost =
        actual->device == link || std::ranges::find(actual->others, link) != actual->others.end();
    if (has_lost) services.push_back({key, {actual->config, {}}});
  });
  for (const auto& [key, service] : services) tables.services.set_actual(key, service);
}

}  // namespace novaplane::engine
