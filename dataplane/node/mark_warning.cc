#include "dataplane/node/mark_warning.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "dataplane/engine/ways_out.h"
#include "dataplane/netlink/rules_on.h"

namespace novaplane::node {

std::string mark_warning(const engine::Engine& engine) {
  const cloud::Host* host = engine.document().host();
  if (!host) return {};
  const engine::Marks marks(host->mark_mask);
  const std::uint32_t used = engine::switches_uplinks(*host) ? marks.all() : marks.trusted();
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
