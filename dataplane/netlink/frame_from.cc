#include "dataplane/netlink/frame_from.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace novaplane::netlink {
namespace {

/// Offsets into an Ethernet header.
constexpr std::uint32_t kSource = 6, kSourceEnd = 10;
/// What the kernel tells of a frame beside its bytes (Documentation/networking/filter.rst).
constexpr auto kDirection = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_PKTTYPE);

/// Not what goes out by the link: broadcasts of a guest that still runs elsewhere come that way,
/// too. A filter loads four bytes or two, as numbers in the order of the network.
Result<void> keep_frames_from(int socket, const Mac& mac) {
  const auto& b = mac.bytes;
  const auto first = static_cast<std::uint32_t>(b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]);
  const auto last = static_cast<std::uint32_t>(b[4] << 8 | b[5]);
  std::array<sock_filter, 8> program{{
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kDirection),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 5, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kSource),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kSourceEnd),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, last, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, ETH_HLEN),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof(attached)) == 0) return {};
  return failure("filter a guest's frames", errno);
}

}  // namespace

Result<Fd> await_frame_from(int link, const Mac& mac) {
  constexpr int kNothingYet = 0;  // protocol: before it is bound the socket hears nothing
  Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, kNothingYet));
  if (!fd) return failure("open a packet socket", errno);
  if (auto filtered = keep_frames_from(fd.get(), mac); !filtered) {
    return tl::unexpected(filtered.error());
  }
  sockaddr_ll at{};
  at.sll_family = AF_PACKET;
  at.sll_protocol = htons(ETH_P_ALL);
  at.sll_ifindex = link;
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&at), sizeof(at)) == 0) return fd;
  return failure("listen for a guest's frames", errno);
}

}  // namespace novaplane::netlink
