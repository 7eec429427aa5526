#include "dataplane/netlink/all_neighbours.h"

#include <sys/socket.h>

#include <cerrno>

#include "dataplane/netlink/connection.h"
#include "dataplane/netlink/parse.h"
#include "dataplane/netlink/queries.h"

namespace novaplane::netlink {
namespace {

/// False: there are more parts.
bool take(std::span<std::uint8_t> part, std::vector<Neighbour>& found) {
  bool is_last = part.empty();
  for_each_message(part, [&](const nlmsghdr& message) {
    is_last = is_last || message.nlmsg_type == NLMSG_DONE || message.nlmsg_type == NLMSG_ERROR;
    const auto observation = observation_of(message);
    const auto* seen = observation ? std::get_if<Seen<Neighbour>>(&*observation) : nullptr;
    if (seen) found.push_back(seen->value);
  });
  return is_last;
}

}  // namespace

Result<std::vector<Neighbour>> all_neighbours() {
  constexpr std::size_t kBuffer = 1 << 20;
  auto connection = Connection::open(kBuffer);
  if (!connection) return tl::unexpected(connection.error());
  std::vector<Neighbour> found;
  for (const int family : {AF_INET, AF_INET6}) {
    const Request question = query_listing(Listing::neighbours, family);
    nlmsghdr& header = question.header();
    const iovec whole{&header, NLMSG_ALIGN(header.nlmsg_len)};
    if (const auto sent = connection->send({&whole, 1}); !sent) return tl::unexpected(sent.error());
    for (bool done = false; !done;) {
      const auto part = connection->receive();
      if (!part && part.error().code != ENOBUFS) return tl::unexpected(part.error());
      done = part && take(*part, found);
    }
  }
  return found;
}

}  // namespace novaplane::netlink
