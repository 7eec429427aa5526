#include "dataplane/daemon/dispatch.h"

#include <algorithm>
#include <iterator>

namespace novaplane::daemon {

Dispatch choose(node::Parts parts, bool services_busy) {
  if (!parts.kernel.empty()) return {.kernel = std::move(parts.kernel), .services = {}};
  if (services_busy) return {};
  if (!parts.services.empty()) return {.kernel = {}, .services = std::move(parts.services)};
  engine::Plan& deletions = parts.deletions;
  deletions.erase(
      deletions.begin() + static_cast<std::ptrdiff_t>(std::min(kDeletedAtOnce, deletions.size())),
      deletions.end());
  const bool deletes_links = !deletions.empty();
  return {.kernel = std::move(deletions), .services = {}, .deletes_links = deletes_links};
}

}  // namespace novaplane::daemon
