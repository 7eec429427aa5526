#pragma once

#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::netlink {

/// Sends gratuitous ARP, and unsolicited neighbour advertisements of IPv6, in the network namespace
/// in which it was opened; receives nothing.
class ArpSocket {
 public:
  static Result<ArpSocket> open();

  /// Tells all neighbours on the link that `address` is at `mac`. IPv4: once as a request (RFC
  /// 5227, 3), once as a reply (RFC 5944, 4.6), since some listen to only one of them. IPv6: one
  /// advertisement that overrides what they know (RFC 4861, 7.2.6). Does not wait; the repetitions
  /// are the caller's. ENETDOWN, ENXIO: the link is down or gone.
  /// `elsewhere`, IPv4 only: the address is there, while the frames come from `mac`.
  Result<void> announce(int link, const Mac& mac, const IpAddress& address,
                        const std::optional<Mac>& elsewhere = {});

 private:
  explicit ArpSocket(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace novaplane::netlink
