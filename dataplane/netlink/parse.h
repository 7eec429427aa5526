#pragma once

#include <netlink/msg.h>

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/netlink/messages.h"

/// From the kernel's messages to our values.
namespace novaplane::netlink {

/// A quick look at what is worth parsing: not the neighbours that the kernel learnt by itself,
/// which come and go by the thousand. That one is gone always is: it may have been permanent.
bool is_of_interest(const nlmsghdr& message);

/// What a message about a link, a bridge's port, an address, a route, a neighbour, a policy rule or
/// a value of a link says; nothing: other families, cached routes. Any other message: as it is.
std::optional<Observation> observation_of(const nlmsghdr& message);

std::optional<Link> parse_link(const nlmsghdr& message);
/// A bridge's own message about a port (RTM_NEWLINK of the family AF_BRIDGE).
std::optional<BridgePort> parse_bridge_port(const nlmsghdr& message);

/// Calls f(nlmsghdr&) for each message in turn.
template <class F>
void for_each_message(std::span<std::uint8_t> messages, F&& f) {
  auto* message = reinterpret_cast<nlmsghdr*>(messages.data());
  int left = static_cast<int>(messages.size());
  for (; nlmsg_ok(message, left); message = nlmsg_next(message, &left)) f(*message);
}

}  // namespace novaplane::netlink
