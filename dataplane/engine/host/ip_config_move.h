#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/netlink/ip_config_events.h"

/// Sends what moves a NIC's IP configuration, and tells apart what has failed from what others have
/// changed in between.
namespace novaplane::engine {

struct MoveResult {
  /// Somebody else took them from the old link before us.
  std::vector<const netlink::IpConfig*> missing;
  /// Global IPv6 addresses that stood on the new link before us: others have put them there.
  std::vector<const netlink::IpConfig*> found;
  /// IPv6 addresses whose own flags were set in a second request.
  std::vector<const netlink::IpConfig*> put_twice;
  /// Could not be put on the new link, and stand on none.
  std::vector<std::pair<const netlink::IpConfig*, Error>> failed;
  std::optional<Error> error;  ///< the first one about anything else
};

/// All in one send. What the kernel refuses for want of a way to its gateway is tried once more
/// with one.
MoveResult move_ip_config(netlink::Socket& socket, const std::vector<netlink::IpConfig>& things,
                          const netlink::Ends& ends, std::vector<netlink::Move> relink);

/// Sends moves of which none has to succeed.
void try_all(netlink::Socket& socket, std::vector<netlink::Move> moves);

/// A link forgets all its neighbours when its MAC changes, permanent ones too (net/ipv4/arp.c,
/// arp_netdev_event; net/ipv6/ndisc.c, ndisc_netdev_event). Made before that; puts others' back.
class SavedNeighbours {
 public:
  /// `listens`: also keeps what others add until put_back(), which takes a socket of its own.
  SavedNeighbours(netlink::Socket& socket, int link, std::string name, bool listens);
  void put_back();

 private:
  std::vector<netlink::IpConfig> follow_others();

  netlink::Socket& socket_;
  int link_;
  std::string name_;
  std::optional<netlink::IpConfigEvents> events_;
  std::vector<netlink::IpConfig> things_;
};

/// The IP configuration of `link`, as one sentence; empty: it has none.
std::string ip_config_in_words(netlink::Socket& socket, int link, const std::string& name);

/// What stood on a link for a moment only, and went with something that we did: what others have
/// added since the listing, and addresses of IPv6 that the kernel took. `before` was read
/// right before that: what others have deleted until then they have deleted.
std::vector<netlink::IpConfig> lost_in_between(std::vector<netlink::IpConfigEvents::Event> before,
                                               std::vector<netlink::IpConfigEvents::Event> after,
                                               int link);

}  // namespace novaplane::engine
