#include "dataplane/nft/monitor.h"

#include <fmt/format.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/base/message_filter.h"
#include "dataplane/nft/elements.h"
#include "dataplane/nft/socket.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

/// A transaction of 10,000 elements sends 680 KB of events.
constexpr int kReceiveBuffer = 32 * 1024 * 1024;

/// How many datagrams one drain() takes at most, so that a flood cannot hold its caller: some
/// milliseconds of others' changes. The rest keeps the descriptor readable.
constexpr int kPatience = 2'000;

std::string touched(std::string_view what, Family family, std::string_view name, bool gone) {
  return fmt::format("{} {} {} {} was {}", what, to_string(family), kTable, name,
                     gone ? "deleted" : "added");
}

/// What of the ruleset a message is about; empty when it is about nothing of the ruleset.
std::string words_of(const nlmsghdr* header, Family family) {
  const auto name = [&](std::uint16_t type) { return text_of(find_attribute(header, type)); };
  switch (NFNL_MSG_TYPE(header->nlmsg_type)) {
    case NFT_MSG_NEWTABLE:
      return fmt::format("table {} {} was added", to_string(family), kTable);
    case NFT_MSG_DELTABLE:
      return fmt::format("table {} {} was deleted", to_string(family), kTable);
    case NFT_MSG_NEWCHAIN:
      return touched("chain", family, name(NFTA_CHAIN_NAME), false);
    case NFT_MSG_DELCHAIN:
      return touched("chain", family, name(NFTA_CHAIN_NAME), true);
    case NFT_MSG_NEWRULE:
      return touched("a rule of chain", family, name(NFTA_RULE_CHAIN), false);
    case NFT_MSG_DELRULE:
      return touched("a rule of chain", family, name(NFTA_RULE_CHAIN), true);
    case NFT_MSG_NEWSET:
      return touched("set", family, name(NFTA_SET_NAME), false);
    case NFT_MSG_DELSET:
      return touched("set", family, name(NFTA_SET_NAME), true);
    default:
      return {};
  }
}

}  // namespace

struct Monitor::Impl {
  Ruleset sets;  ///< of the ruleset its sets only
  Socket socket;

  void handle(const nlmsghdr*, const std::function<void(Event)>&) const;
  void handle_elements(const nlmsghdr*, Family, const std::function<void(Event)>&) const;
};

Monitor::Monitor(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Monitor::Monitor(Monitor&&) noexcept = default;
Monitor& Monitor::operator=(Monitor&&) noexcept = default;
Monitor::~Monitor() = default;

Result<Monitor> Monitor::open(const Ruleset& ruleset) {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  socket->enlarge_receive_buffer(kReceiveBuffer);
  if (auto joined = socket->join(NFNLGRP_NFTABLES); !joined) return tl::unexpected(joined.error());
  return Monitor(std::make_unique<Impl>(Impl{{ruleset.sets, {}, {}}, std::move(*socket)}));
}

int Monitor::fd() const { return impl_->socket.fd(); }

Result<void> Monitor::ignore_elements_of(std::uint32_t sender) {
  const Unwanted unwanted[] = {
      {.type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM, .sender = sender},
      {.type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELSETELEM, .sender = sender}};
  return filter_messages(fd(), unwanted);
}

Result<void> Monitor::pause() { return impl_->socket.leave(NFNLGRP_NFTABLES); }
Result<void> Monitor::resume() { return impl_->socket.join(NFNLGRP_NFTABLES); }

/// After a loss too everything is read: the kernel says ENOBUFS once, and then drops whatever comes
/// until nothing waits any more (af_netlink.c, netlink_overrun and netlink_rcv_wake).
Result<Monitor::Drained> Monitor::drain(const std::function<void(Event)>& handle) {
  Drained drained = Drained::all;
  for (int i = 0; i < kPatience; ++i) {
    const auto datagram = impl_->socket.receive(Socket::Wait::no);
    if (!datagram && datagram.error().code == ENOBUFS) {
      drained = Drained::lost;
      continue;
    }
    if (!datagram) return tl::unexpected(datagram.error());
    if (datagram->empty()) break;
    int left = static_cast<int>(datagram->size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram->data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      impl_->handle(header, handle);
    }
  }
  return drained;
}

void Monitor::Impl::handle(const nlmsghdr* header, const std::function<void(Event)>& tell) const {
  const auto message = nft_message(header);
  if (!message) return;
  const std::uint32_t sender = header->nlmsg_pid;
  if (*message == NFT_MSG_NEWGEN) {
    tell({sender, NewGeneration{u32_of(find_attribute(header, NFTA_GEN_ID)),
                                u32_of(find_attribute(header, NFTA_GEN_PROC_PID)),
                                std::string(text_of(find_attribute(header, NFTA_GEN_PROC_NAME)))}});
    return;
  }
  const auto family = ours(header);
  if (!family) return;
  if (*message == NFT_MSG_NEWSETELEM || *message == NFT_MSG_DELSETELEM) {
    handle_elements(header, *family, tell);
  } else if (auto words = words_of(header, *family); !words.empty()) {
    tell({sender, RulesetModified{std::move(words)}});
  }
}

void Monitor::Impl::handle_elements(const nlmsghdr* header, Family family,
                                    const std::function<void(Event)>& tell) const {
  const Set* set = find_set(sets, {family, set_of(header)});
  if (set == nullptr || set->interval) {
    tell({header->nlmsg_pid,
          RulesetModified{fmt::format("elements of set {} {} {} changed", to_string(family), kTable,
                                      set_of(header))}});
    return;
  }
  if (set->is_packets_own()) return;
  const bool added = NFNL_MSG_TYPE(header->nlmsg_type) == NFT_MSG_NEWSETELEM;
  for_each_element(header, [&](const RawElement& raw) {
    auto [key, element] = to_value(*set, raw);
    Event event{header->nlmsg_pid, ElementRemoved{key}};
    if (added) event.what = ElementAdded{std::move(key), std::move(element)};
    tell(std::move(event));
  });
}

}  // namespace novaplane::nft
