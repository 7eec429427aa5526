#pragma once

#include <sys/uio.h>

#include <chrono>
#include <cstddef>
#include <span>
#include <string_view>

#include "dataplane/base/error.h"

/// Datagrams to and from the kernel, for netlink sockets of every protocol: one place that retries
/// after signals, and that takes nothing for an answer which the kernel has not sent.
namespace novaplane {

/// Connects the socket to the kernel. From then on a datagram of another process is refused where
/// it is sent (ECONNREFUSED; net/netlink/af_netlink.c, netlink_getsockbyportid), so that it takes
/// no room. What another process sends to a multicast group still arrives.
Result<void> connect_to_kernel(int socket, std::string_view step);

/// One sendmsg: the kernel has done the work when it returns.
Result<void> send_to_kernel(int socket, std::span<const iovec> parts, std::string_view step);

/// The size of the next datagram from the kernel, which is in `room` then; 0: none came in
/// `patience`. Datagrams of other processes are discarded. ENOBUFS: messages were lost, since the
/// socket's buffer was full, `room` is too small, or the datagram ends in the middle of a message;
/// what is left can still be received.
Result<std::size_t> receive_from_kernel(int socket, std::span<std::byte> room,
                                        std::chrono::milliseconds patience, std::string_view step);

/// Discards what waits. A socket that has lost messages gets no new ones before it is empty
/// (netlink_rcv_wake), so the answer to the next request would be lost too.
void discard_waiting(int socket);

}  // namespace novaplane
