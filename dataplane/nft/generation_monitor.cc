#include "dataplane/nft/generation_monitor.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

constexpr int kReceiveBuffer = 8 * 1024 * 1024;
/// The kernel counts the generation on before it sends the events of it (nf_tables_commit).
constexpr int kPatienceMs = 100;
constexpr int kMostDatagrams = 100'000;

/// Of one message: true, the last that counts; false, one of ours; none: go on.
std::optional<bool> judge(const nlmsghdr* header, std::uint32_t last) {
  const auto message = nft_message(header);
  if (!message) return std::nullopt;
  if (*message == NFT_MSG_NEWGEN) {
    const bool is_last = u32_of(find_attribute(header, NFTA_GEN_ID)) == last;
    return is_last ? std::optional(true) : std::nullopt;
  }
  return ours(header) ? std::optional(false) : std::nullopt;
}

}  // namespace

Result<GenerationMonitor> GenerationMonitor::open() {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  socket->enlarge_receive_buffer(kReceiveBuffer);
  if (auto joined = socket->join(NFNLGRP_NFTABLES); !joined) return tl::unexpected(joined.error());
  return GenerationMonitor(std::move(*socket));
}

bool GenerationMonitor::wait() {
  pollfd asked{socket_.fd(), POLLIN, 0};
  return ::poll(&asked, 1, kPatienceMs) == 1;
}

Result<bool> GenerationMonitor::saw_only_others(std::uint32_t from, std::uint32_t to) {
  if (from == to) return true;
  for (int i = 0; i < kMostDatagrams && wait(); ++i) {
    const auto datagram = socket_.receive(Socket::Wait::no);
    if (!datagram && datagram.error().code == ENOBUFS) return false;
    if (!datagram) return tl::unexpected(datagram.error());
    int left = static_cast<int>(datagram->size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram->data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (const auto verdict = judge(header, to)) return *verdict;
    }
  }
  return false;
}

}  // namespace novaplane::nft
