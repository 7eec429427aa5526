#include "dataplane/base/message_filter.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstddef>
#include <vector>

namespace novaplane {
namespace {

/// Classic BPF: loads are in network order, what netlink writes is in the host's.
class Program {
 public:
  void drop(const Unwanted& what) {
    remaining_ = static_cast<std::uint8_t>(2 + (what.sender ? 2 : 0) + (what.family ? 2 : 0) +
                                           2 * what.unless.size() + 1);
    compare(BPF_H, offsetof(nlmsghdr, nlmsg_type), htons(what.type));
    if (what.sender) compare(BPF_W, offsetof(nlmsghdr, nlmsg_pid), htonl(*what.sender));
    if (what.family) compare(BPF_B, NLMSG_HDRLEN, *what.family);
    for (const Bits& bits : what.unless) keep_with(bits);
    end(0);
  }
  void keep() { end(0xffffffff); }

  sock_fprog value() { return {static_cast<std::uint16_t>(code_.size()), code_.data()}; }

 private:
  /// Goes on with the next rule unless they are equal.
  void compare(std::uint16_t size, std::size_t offset, std::uint32_t value) {
    load(size, offset);
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, remaining_));
  }
  /// Goes on with the next rule if one of the bits is set.
  void keep_with(const Bits& bits) {
    load(bits.bytes == 1 ? BPF_B : BPF_H, bits.offset);
    const std::uint32_t mask = bits.bytes == 1 ? bits.mask : htons(bits.mask);
    code_.push_back(BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, remaining_, 0));
  }
  void load(std::uint16_t size, std::size_t offset) {
    code_.push_back(BPF_STMT(static_cast<std::uint16_t>(BPF_LD | BPF_ABS | size),
                             static_cast<std::uint32_t>(offset)));
    remaining_ = static_cast<std::uint8_t>(remaining_ - 2);
  }
  void end(std::uint32_t verdict) { code_.push_back(BPF_STMT(BPF_RET | BPF_K, verdict)); }

  std::vector<sock_filter> code_;
  std::uint8_t remaining_ = 0;  ///< instructions of this rule
};

}  // namespace

Result<void> filter_messages(int socket, std::span<const Unwanted> unwanted) {
  Program program;
  for (const Unwanted& what : unwanted) program.drop(what);
  program.keep();
  const sock_fprog filter = program.value();
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) == 0) return {};
  return failure("filter the messages of a netlink socket", errno);
}

}  // namespace novaplane
