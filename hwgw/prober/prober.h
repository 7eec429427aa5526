#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::hwgw {

/// Asks a next hop whether it is there (ARP, RFC 826) and, through it, what is beyond (ICMP echo,
/// RFC 792), on one Ethernet link: whole frames by a packet socket, so that nothing else of the
/// host (routes, neighbours, filters, rp_filter) has a say in where a probe goes, and the answer
/// comes in by that link too. IPv4.
class Prober {
 public:
  struct Options {
    IpAddress next_hop;
    /// Answers are heard before a bridge takes them, whatever its tables drop (packet(7),
    /// ETH_P_ALL): where the link is a bridge's port.
    bool all_protocols = false;
    bool hears_echo = false;  ///< ICMP echo replies too; implies all_protocols
  };
  /// An answer to any question of ours; or, said: the next hop asked somebody, or told of itself
  /// unasked (RFC 5227, 3).
  struct Answer {
    enum class Kind : std::uint8_t { arp, echo, said };
    Kind kind = Kind::arp;
    IpAddress from;
    Mac mac;  ///< that sent it
  };

  /// ENODEV: no link of that number. EPROTOTYPE: not an Ethernet link. The kernel filters what is
  /// heard; a link that others fill costs a few instructions a packet.
  static Result<Prober> open(int link, const Options& options);

  int fd() const { return fd_.get(); }  ///< readable when something waits

  /// Who has the next hop? From the link's MAC; `sender` unspecified: an ARP probe (RFC 5227, 1.1),
  /// which leaves no trace at others. `to`: asks that one only; none: all. Does not wait.
  Result<void> ask(const IpAddress& sender, const std::optional<Mac>& to) const;
  /// An echo request to `target` by the next hop's MAC.
  Result<void> echo(const IpAddress& target, const IpAddress& source, const Mac& via) const;

  /// The next answer; none: nothing waits. ENETDOWN: the link went down.
  Result<std::optional<Answer>> receive() const;

 private:
  Prober(Fd fd, int link, const Mac& mac, const IpAddress& next_hop)
      : fd_(std::move(fd)), link_(link), mac_(mac), next_hop_(next_hop) {}
  Result<void> send(const void* frame, std::size_t size, std::uint16_t protocol) const;

  Fd fd_;
  int link_ = 0;
  Mac mac_;
  IpAddress next_hop_;
};

}  // namespace novaplane::hwgw
