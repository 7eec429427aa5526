#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/base/error.h"

namespace novaplane {

/// A number in a message, in the host's order, that has one of these bits.
struct Bits {
  std::uint16_t offset;  ///< from the message's header on
  std::uint8_t bytes;    ///< 1 or 2
  std::uint16_t mask;
};

/// Messages that a listening netlink socket does without.
struct Unwanted {
  std::uint16_t type;                        ///< nlmsg_type
  std::optional<std::uint32_t> sender = {};  ///< of this port id only (nlmsg_pid): our own echo
  std::optional<std::uint8_t> family = {};   ///< rtnetlink: of this address family only
  std::span<const Bits> unless = {};         ///< those that have some of these are kept
};

/// The kernel drops them before they take room in the socket's buffer and wake its reader
/// (net/netlink/af_netlink.c, do_one_broadcast: sk_filter). A datagram is judged by its first
/// message. Replaces what was unwanted before.
Result<void> filter_messages(int socket, std::span<const Unwanted> unwanted);

}  // namespace novaplane
