#include "tools/side_effects.h"

#include "dataplane/conntrack/flows.h"
#include "dataplane/node/announce.h"

namespace novaplane::tools {
namespace {

constexpr std::size_t kAtOnce = 256;  ///< announcements that nobody minds to wait for

/// The first at once, the others by a process that outlives us. Of thousands the most are all its.
Result<void> announce(const std::vector<engine::Announce>& wanted) {
  if (wanted.empty()) return {};
  auto arp = netlink::ArpSocket::open();
  if (!arp) return tl::unexpected(arp.error());
  auto links = netlink::Socket::open();
  if (!links) return tl::unexpected(links.error());
  const auto now = node::Announcements::Clock::now();
  node::Announcements announcements;
  for (const engine::Announce& announce : wanted) announcements.add(announce, now);
  const auto said = node::send(*arp, *links, announcements.take_due(now, kAtOnce));
  const auto later = node::announce_in_background(std::move(announcements));
  return said ? later : said;
}

Result<void> forget(const std::vector<engine::ForgetFlows>& wanted) {
  if (wanted.empty()) return {};
  auto flows = conntrack::Flows::open();
  return flows ? flows->forget(wanted) : tl::unexpected(flows.error());
}

}  // namespace

Result<void> carry_out(const engine::SideEffects& side_effects) {
  const auto said = announce(side_effects.announcements);
  const auto forgotten = forget(side_effects.flows);
  return said ? forgotten : said;
}

}  // namespace novaplane::tools
