#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/netlink/connection.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/netlink/request.h"

namespace novaplane::netlink {

/// What can be listed. Listings of neighbours hold what is permanent or ours.
enum class Listing : std::uint8_t {
  links,
  addresses,   ///< both families
  routes,      ///< both families, all tables; no cached clones
  our_routes,  ///< only those of kOurProtocol: the kernel filters, so a full BGP table costs little
  advertised_routes,  ///< only those that router advertisements made (RTPROT_RA), IPv6
  policy_rules,       ///< policy rules, IPv4
  neighbours,         ///< both families
  proxies,            ///< addresses that a link answers for, both families
  forwarding,         ///< static forwarding entries of bridges and VXLAN devices
};

/// Talks rtnetlink in the network namespace in which it was opened. For one thread at a time.
/// The kernel works inside send(): microseconds for a route, seconds for the deletion of links.
class Socket {
 public:
  static Result<Socket> open();

  std::uint32_t port_id() const { return connection_.port_id(); }

  /// Sends pipelined and returns one result for each request, in their order. One that fails does
  /// not keep the others from being tried. Errors carry the errno and the kernel's extack words;
  /// the step is left to the caller. ENOBUFS: the kernel's answer was lost, the effect is unknown.
  /// One that its builder could not finish (Request::refusal) is not sent.
  std::vector<Result<void>> send(std::span<const Request> requests);
  Result<void> send(const Request& request);

  /// Lists everything of one kind, as Seen. A listing that changed while it was read
  /// (NLM_F_DUMP_INTR) is taken again before the observer hears of it; EBUSY when that never ends.
  Result<void> dump(Listing what, const Observer& observer);
  /// The same, by a question of one's own: a request with NLM_F_DUMP. `family`: of the answers.
  Result<void> dump(const Request& question, int family, const Observer& observer);

  /// The messages of one family that answer a question of one's own, as they are: for what has to
  /// be sent again byte for byte. Neighbours as in listings. Fails as dump() does.
  Result<std::vector<std::vector<std::uint8_t>>> messages(const Request& question, int family);

  /// One link as it is now: for values whose change the kernel tells nobody (disable_ipv6,
  /// route_localnet and arp_ignore written below /proc/sys). ENODEV.
  Result<Link> link(int index);
  std::vector<Result<Link>> links(std::span<const int> indexes);  ///< pipelined

  /// The number of the link of that name in the socket's namespace. ENODEV.
  Result<int> index_of(const std::string& name) const;

 private:
  /// The messages of a listing, until it is known to be whole. Up to a kilobyte for each link, so a
  /// socket that lives long does not keep it.
  using Listed = std::vector<std::uint8_t>;

  explicit Socket(Connection connection);

  Result<std::size_t> transmit(std::span<const Request> requests, std::uint16_t flags_of_last);
  void ask_some(std::span<const int> indexes, std::span<Result<Link>> results);
  void send_some(std::span<const Request> requests, std::span<Result<void>> results);
  void collect_answers(std::span<Result<void>> results, std::size_t end);
  Result<void> list(const Request& question, int family, Listed& listed);
  Result<bool> list_once(const Request& question, int family, Listed& listed);

  Connection connection_;
  std::size_t most_per_send_;
  std::uint32_t sequence_ = 0;  ///< of the first request of the latest send
  std::uint32_t next_sequence_ = 1;
};

}  // namespace novaplane::netlink
