#include "dataplane/daemon/announcer.h"

#include <malloc.h>

#include "dataplane/daemon/log.h"

namespace novaplane::daemon {
namespace {

constexpr std::size_t kAtOnce = 100;
constexpr std::chrono::milliseconds kPause{5};
constexpr std::size_t kMany = 1000;  ///< that leave memory worth returning

}  // namespace

Result<std::unique_ptr<Announcer>> Announcer::open(Loop& loop) {
  auto arp = netlink::ArpSocket::open();
  if (!arp) return tl::unexpected(arp.error());
  auto links = netlink::Socket::open();
  if (!links) return tl::unexpected(links.error());
  return std::unique_ptr<Announcer>(new Announcer(loop, std::move(*arp), std::move(*links)));
}

Announcer::Announcer(Loop& loop, netlink::ArpSocket arp, netlink::Socket links)
    : timer_(loop), arp_(std::move(arp)), links_(std::move(links)) {}

/// An address that is not answered for any more must not be claimed later.
void Announcer::follow(const engine::Plan& done,
                       const std::vector<engine::Announce>& announcements) {
  std::unordered_set<IpAddress> withdrawn;
  for (const engine::Step& step : done) {
    if (step.phase != engine::Phase::withdraw) continue;
    if (const auto* route = std::get_if<engine::RouteChange>(&step.operation)) {
      withdrawn.insert(route->key.destination.address);
    } else if (const auto* proxy = std::get_if<engine::NeighbourChange>(&step.operation)) {
      withdrawn.insert(proxy->key.address);
    }
  }
  if (!withdrawn.empty()) cancel(withdrawn);
  const auto now = node::Announcements::Clock::now();
  for (const engine::Announce& announce : announcements) announcements_.add(announce, now);
  if (!announcements.empty()) say();
}

void Announcer::cancel(const std::unordered_set<IpAddress>& addresses) {
  for (const IpAddress& address : addresses) announcements_.cancel(address);
  std::erase_if(due_, [&](const engine::Announce& due) { return addresses.contains(due.address); });
}

/// A few at a time: thousands at once would hold the loop, and drown the switch.
void Announcer::say() {
  const auto now = node::Announcements::Clock::now();
  if (due_.empty()) due_ = announcements_.take_due(now);
  const std::size_t count = std::min(due_.size(), kAtOnce);
  if (count > 0) {
    const std::vector<engine::Announce> some(due_.end() - static_cast<std::ptrdiff_t>(count),
                                             due_.end());
    due_.resize(due_.size() - count);
    if (const auto said = node::send(arp_, links_, some); !said) {
      log::warning("{}", said.error().message());
    }
  }
  const auto next = due_.empty() ? announcements_.next() : std::optional(now + kPause);
  if (next) return timer_.at(*next, [this] { say(); });
  if (due_.capacity() < kMany) return;
  due_.shrink_to_fit();
  announcements_ = {};
  ::malloc_trim(0);
}

}  // namespace novaplane::daemon
