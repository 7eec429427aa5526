#include "dataplane/engine/kinds/service_entry.h"

#include "dataplane/engine/service_driver.h"
#include "dataplane/engine/tables.h"

namespace novaplane::engine {

Noun ServiceEntryKind::noun(const EntryChange& change) {
  constexpr std::string_view kOfNetworks = "dhcp/";
  if (change.key.service.starts_with(kOfNetworks)) return kNoun;
  return {"metadata entry", "metadata entries"};
}

void ServiceEntryKind::on(const SeenServices& seen, KernelView&, Tables& tables) {
  tables.entries.forget_actual();
  for (const auto& [key, entry] : seen.entries) tables.entries.set_actual(key, entry);
}

}  // namespace novaplane::engine
