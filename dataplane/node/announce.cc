#include "dataplane/node/announce.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <map>
#include <thread>
#include <unordered_set>

#include "dataplane/base/fd.h"

namespace novaplane::node {

void Announcements::add(const engine::Announce& announce, Clock::time_point now) {
  if (announce.count == 0) return;
  pending_.insert_or_assign(announce.address, Pending{announce, announce.count, now});
}

std::vector<engine::Announce> Announcements::take_due(Clock::time_point now, std::size_t most) {
  std::vector<engine::Announce> due;
  for (auto it = pending_.begin(); it != pending_.end() && due.size() < most;) {
    Pending& pending = it->second;
    if (pending.due > now) {
      ++it;
      continue;
    }
    due.push_back(pending.announce);
    pending.due = now + kInterval;
    it = --pending.left == 0 ? pending_.erase(it) : std::next(it);
  }
  return due;
}

std::optional<Announcements::Clock::time_point> Announcements::next() const {
  const auto first = std::min_element(pending_.begin(), pending_.end(),
                                      [](auto& a, auto& b) { return a.second.due < b.second.due; });
  return first != pending_.end() ? std::optional(first->second.due) : std::nullopt;
}

Result<void> send(netlink::ArpSocket& arp, netlink::Socket& links,
                  const std::vector<engine::Announce>& announcements) {
  std::map<std::string, Result<netlink::Link>> known;
  const auto link_named = [&](const std::string& name) -> const Result<netlink::Link>& {
    const auto it = known.find(name);
    if (it != known.end()) return it->second;
    const auto index = links.index_of(name);
    return known.emplace(name, index ? links.link(*index) : tl::unexpected(index.error()))
        .first->second;
  };
  Result<void> first;
  for (const engine::Announce& announce : announcements) {
    const auto& link = link_named(announce.link);
    auto said = link ? arp.announce(link->index, link->mac, announce.address, announce.mac)
                     : tl::unexpected(link.error());
    if (!said && first) {
      first = failure(fmt::format("announce {} on {}", announce.address, announce.link),
                      said.error().code, said.error().words);
    }
  }
  return first;
}

namespace {

/// Addresses that this host answers for, as the kernel has them now: on somebody's behalf, and its
/// own.
Result<std::unordered_set<IpAddress>> answered(netlink::Socket& socket) {
  std::unordered_set<IpAddress> addresses;
  const auto collect = [&](netlink::Observation&& told) {
    if (const auto* route = std::get_if<netlink::Seen<netlink::Route>>(&told)) {
      if (route->value.type == RTN_LOCAL) addresses.insert(route->value.destination.address);
    } else if (const auto* proxy = std::get_if<netlink::Seen<netlink::Neighbour>>(&told)) {
      addresses.insert(proxy->value.address);
    } else if (const auto* own = std::get_if<netlink::Seen<netlink::Address>>(&told)) {
      addresses.insert(own->value.prefix.address);
    }
  };
  for (const auto what :
       {netlink::Listing::our_routes, netlink::Listing::proxies, netlink::Listing::addresses}) {
    if (auto listed = socket.dump(what, collect); !listed) return tl::unexpected(listed.error());
  }
  return addresses;
}

Result<void> say_all(Announcements announcements) {
  auto arp = netlink::ArpSocket::open();
  if (!arp) return tl::unexpected(arp.error());
  auto socket = netlink::Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  while (const auto due = announcements.next()) {
    std::this_thread::sleep_until(*due);
    const auto still = answered(*socket);
    if (!still) return tl::unexpected(still.error());
    announcements.keep_if([&](const IpAddress& address) { return still->contains(address); });
    (void)send(*arp, *socket, announcements.take_due(Announcements::Clock::now()));
  }
  return {};
}

/// Nothing of the parent stays open: neither its lock nor the pipe that somebody reads from.
void let_go() {
  ::setsid();
  [[maybe_unused]] const int moved = ::chdir("/");
  ::close_range(0, ~0u, 0);
  if (::open("/dev/null", O_RDWR) == STDIN_FILENO) {
    ::dup2(STDIN_FILENO, STDOUT_FILENO);
    ::dup2(STDIN_FILENO, STDERR_FILENO);
  }
}

/// Until the child has let go of everything, the pipe to it included.
void wait_for_release(Fd writing, const Fd& reading) {
  writing.reset();
  char nothing = 0;
  while (::read(reading.get(), &nothing, 1) < 0 && errno == EINTR) {
  }
}

}  // namespace

Result<void> announce_in_background(Announcements announcements) {
  if (announcements.empty()) return {};
  const auto failed = [] { return failure("start a process for later announcements", errno); };
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return failed();
  Fd reading(ends[0]), writing(ends[1]);
  const pid_t child = ::fork();
  if (child < 0) return failed();
  if (child > 0) {
    wait_for_release(std::move(writing), reading);
    return {};
  }
  let_go();
  ::_exit(say_all(std::move(announcements)) ? 0 : 1);
}

}  // namespace novaplane::node
