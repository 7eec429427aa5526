#pragma once

#include <linux/netlink.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::nft {

/// A netlink socket to netfilter, with extended acks and a port id of its own.
class Socket {
 public:
  static Result<Socket> open();

  int fd() const { return fd_.get(); }
  std::uint32_t port_id() const { return port_id_; }

  /// Beyond the system's limits (SO_*BUFFORCE), best effort.
  void enlarge_receive_buffer(int bytes);
  void enlarge_send_buffer(std::size_t bytes);

  Result<void> join(int group);
  Result<void> leave(int group);

  /// For a request of its own, never the same as before: late answers to others are known by
  /// theirs.
  std::uint32_t next_sequence() { return ++sequence_; }

  /// One sendmsg: the kernel has done the work when it returns.
  Result<void> send(std::span<const iovec> parts);

  enum class Wait : std::uint8_t { yes, no };
  /// One datagram from the kernel, valid until the next call. Empty: nothing is there, and the
  /// caller does not wait; who waits gets ETIMEDOUT. ENOBUFS: something was lost.
  Result<std::span<const std::byte>> receive(Wait wait = Wait::yes);

 private:
  Socket(Fd fd, std::uint32_t port_id);

  Fd fd_;
  std::uint32_t port_id_ = 0;
  std::uint32_t sequence_ = 0x40000000;  ///< far from those of batches
  std::size_t send_buffer_ = 0;
  std::unique_ptr<std::byte[]> buffer_;
};

}  // namespace novaplane::nft
