#include "dataplane/node/mark_warning.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/engine/host/egress.h"
#include "dataplane/netlink/rules_on.h"

namespace novaplane::node {

std::uint32_t marks_in_use(const engine::Engine& engine) {
  const cloud::Host* host = engine.document().host();
  if (!host) return 0;
  const engine::Marks marks(host->mark_mask);
  const std::uint32_t of_uplinks =
      engine::switches_uplinks(*host) ? marks.any_uplink() | marks.any_preference() : 0;
  const bool has_groups = !engine.document().cloud().security_groups.empty();
  return marks.trusted() | of_uplinks | (has_groups ? marks.of_groups() : 0);
}

std::string mark_warning(std::uint32_t used) {
  if (used == 0) return {};
  auto socket = netlink::Socket::open();
  if (!socket) return socket.error().message();
  const auto rules = netlink::rules_by_mark(*socket, used);
  if (!rules) return rules.error().message();
  if (rules->empty()) return {};
  return fmt::format(
      "policy rules of others look at bits of packet marks that are novaplane's here ({:#x}): {}; "
      "the host's mark_mask takes other bits",
      used, fmt::join(*rules, ", "));
}

}  // namespace novaplane::node
