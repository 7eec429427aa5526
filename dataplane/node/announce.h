#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/netlink/arp.h"
#include "dataplane/netlink/socket.h"

/// Gratuitous ARP and its like of IPv6: neighbours learn where an address is. A neighbour that
/// updated its entry within the last second ignores it (its locktime, 1 s, net/core/neighbour.c),
/// so it is said again later.
namespace novaplane::node {

/// Which announcements are due when. Pure: the caller has the clock and the socket.
class Announcements {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{1100};  ///< beyond the locktime

  /// The first is due now. One that is still under way for the address starts again.
  void add(const engine::Announce& announce, Clock::time_point now);
  /// The address is not answered for any more.
  void cancel(const IpAddress& address) { pending_.erase(address); }
  template <class Keeps>
  void keep_if(Keeps&& keeps) {
    std::erase_if(pending_, [&](const auto& entry) { return !keeps(entry.first); });
  }

  /// Those that are due, so many at most, counted as made.
  std::vector<engine::Announce> take_due(
      Clock::time_point now, std::size_t most = std::numeric_limits<std::size_t>::max());
  std::optional<Clock::time_point> next() const;
  bool empty() const { return pending_.empty(); }

 private:
  struct Pending {
    engine::Announce announce;
    std::uint32_t left = 0;
    Clock::time_point due;
  };
  std::unordered_map<IpAddress, Pending> pending_;
};

/// Says it now, with the MAC that each link has now. A link that is gone or down hears nothing; the
/// first such failure is returned, after all were tried.
Result<void> send(netlink::ArpSocket& arp, netlink::Socket& links,
                  const std::vector<engine::Announce>& announcements);

/// The rest of them, by a process of its own that holds nothing of ours (no lock, no terminal) and
/// ends when all is said; an address that this host does not answer for any more is not said
/// again. For a command that returns at once.
Result<void> announce_in_background(Announcements announcements);

}  // namespace novaplane::node
