#include "dataplane/engine/kinds/service_entry.h"

#include "dataplane/engine/service_driver.h"
#include "dataplane/engine/tables.h"

namespace novaplane::engine {

void ServiceEntryKind::on(const SeenServices& seen, KernelView&, Tables& tables) {
  tables.entries.forget_actual();
  for (const auto& [key, entry] : seen.entries) tables.entries.set_actual(key, entry);
}

}  // namespace novaplane::engine
