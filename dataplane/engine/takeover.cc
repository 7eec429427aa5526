#include "dataplane/engine/takeover.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/base/files.h"
#include "dataplane/netlink/link_names.h"
#include "dataplane/netlink/sysctl.h"

namespace novaplane::engine {
namespace {

using netlink::Carried;
using netlink::Ends;
using netlink::Move;

/// Values of a link's own that are not the host's policy for its traffic: what other parts of the
/// pass decide, what the kernel derives, and what cannot be written.
constexpr std::string_view kNotCopied[] = {"disable_ipv6", "forwarding",     "mc_forwarding",
                                           "mtu",          "route_localnet", "stable_secret"};

/// The bridge treats the host's traffic as the NIC did: accept_ra, rp_filter, arp_ignore and so on.
/// A value that does not let itself be set is as the kernel made it.
void copy_sysctls(const std::string& from, const std::string& to) {
  for (const std::string_view family : {"ipv4", "ipv6"}) {
    const std::string folder = fmt::format("net/{}/conf/", family);
    const auto names = list_directory("/proc/sys/" + folder + from);
    if (!names) continue;
    for (const std::string& name : *names) {
      if (std::ranges::find(kNotCopied, name) != std::end(kNotCopied)) continue;
      const auto value = netlink::read_sysctl(fmt::format("{}{}/{}", folder, from, name));
      const std::string target = fmt::format("{}{}/{}", folder, to, name);
      const auto present = netlink::read_sysctl(target);
      if (value && present && *value != *present) (void)netlink::write_sysctl(target, *value);
    }
  }
}

/// The first request that failed, in words.
Result<void> send(netlink::Socket& socket, std::vector<Move>& moves) {
  std::vector<netlink::Request> requests;
  requests.reserve(moves.size());
  for (Move& move : moves) requests.push_back(std::move(move.request));
  const auto results = socket.send(requests);
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i]) continue;
    const Error& error = results[i].error();
    if (std::ranges::find(moves[i].tolerated, error.code) != moves[i].tolerated.end()) continue;
    return failure({}, error.code, fmt::format("{}: {}", moves[i].what, error.message()));
  }
  return {};
}

Move move_of(netlink::Request request, std::string what) {
  return {std::move(request), {}, std::move(what)};
}

/// One takeover under way: who is who.
struct Sides {
  std::string nic;
  Ends there;         ///< from where to where
  bool joins = true;  ///< the bridge takes over; else the NIC gets everything back
  Ends back() const { return {there.to, there.from, there.to_name, there.from_name}; }
};

Result<Sides> sides_of(netlink::Socket& socket, const TakeoverChange& change) {
  Sides sides{change.key, {}, change.after.has_value()};
  sides.there.to_name = change.after ? change.after->holder : change.key;
  const bool is_elsewhere = change.before && !change.before->holder.empty();
  sides.there.from_name = is_elsewhere ? change.before->holder : change.key;
  for (auto [name, number] : {std::pair{&sides.there.from_name, &sides.there.from},
                              std::pair{&sides.there.to_name, &sides.there.to}}) {
    const auto index = socket.index_of(*name);
    if (!index) return tl::unexpected(index.error());
    *number = *index;
  }
  return sides;
}

/// The wire changes hands; then the bridge goes up, if it is not.
std::vector<Move> relink(netlink::Socket& socket, const Sides& sides,
                         const std::optional<netlink::LinkSettings>& port) {
  std::vector<Move> moves;
  const auto nic = socket.index_of(sides.nic);
  if (!port || !nic) return moves;
  moves.push_back(move_of(netlink::set_link(*nic, *port),
                          sides.joins
                              ? fmt::format("attach {} to {}", sides.nic, sides.there.to_name)
                              : fmt::format("detach {}", sides.nic)));
  if (!sides.joins) return moves;
  netlink::LinkSettings up;
  up.up = true;
  moves.push_back(move_of(netlink::set_link(sides.there.to, up),
                          fmt::format("set {} up", sides.there.to_name)));
  return moves;
}

/// Puts everything back; the words say when that failed too.
Error undo(netlink::Socket& socket, const Sides& sides, const std::vector<Carried>& things,
           std::optional<int> master, Error why) {
  std::vector<Move> relink;
  if (const auto nic = socket.index_of(sides.nic); nic && master) {
    netlink::LinkSettings settings;
    settings.master = *master;
    relink.push_back(move_of(netlink::set_link(*nic, settings), "put " + sides.nic + " back"));
  }
  auto moves = netlink::moves(things, sides.back(), std::move(relink));
  const auto undone = send(socket, moves);
  why.words += undone ? fmt::format("; {} has everything again", sides.there.from_name)
                      : fmt::format("; and not put back: {}", undone.error().message());
  return why;
}

bool is_among(const std::vector<Carried>& things, const Carried& thing) {
  return std::ranges::any_of(
      things, [&](const Carried& c) { return c.kind == thing.kind && c.text == thing.text; });
}

/// What has to move: what the old place has, and what only the record has.
Result<std::vector<Carried>> things_of(netlink::Socket& socket, const NicRecords& records,
                                       const TakeoverChange& change, const Sides& sides) {
  constexpr bool kRanks = true;
  auto things = netlink::carried_by(socket, sides.there.from, kRanks);
  if (!things) return things;
  auto recorded = records.read(sides.nic);
  // The kernel makes each bridge a link-local address of its own.
  if (sides.there.from_name != sides.nic && !recorded.empty()) {
    std::erase_if(*things,
                  [&](const Carried& c) { return c.link_local && !is_among(recorded, c); });
  }
  const bool is_lost = change.before && change.before->holder.empty();
  if (!is_lost) return things;
  for (Carried& thing : recorded) {
    if (!is_among(*things, thing)) things->push_back(std::move(thing));
  }
  return things;
}

/// Before anything is changed: what is moved now, and what was moved before and still stands.
Result<void> record(netlink::Socket& socket, const NicRecords& records, const Sides& sides,
                    const std::vector<Carried>& things) {
  auto all = netlink::carried_by(socket, sides.there.to, false);
  if (!all) return tl::unexpected(all.error());
  for (const Carried& thing : things) {
    if (!is_among(*all, thing)) all->push_back(thing);
  }
  return records.write(sides.nic, sides.there.to_name, *all);
}

}  // namespace

Result<void> take_over(netlink::Socket& socket, const NicRecords& records,
                       const TakeoverOrder& order) {
  const auto sides = sides_of(socket, order.change);
  if (!sides) return tl::unexpected(sides.error());
  const auto nic = socket.index_of(sides->nic);
  const auto found = nic ? socket.link(*nic) : tl::unexpected(nic.error());
  if (!found) return tl::unexpected(found.error());
  auto things = things_of(socket, records, order.change, *sides);
  if (!things) return tl::unexpected(things.error());
  if (sides->joins) {
    if (auto recorded = record(socket, records, *sides, *things); !recorded) return recorded;
    if (order.port) copy_sysctls(sides->nic, sides->there.to_name);
    // All that took its time. A DHCP client may be half done: what it has added since would go
    // with the NIC's last address.
    if (things = things_of(socket, records, order.change, *sides); !things) {
      return tl::unexpected(things.error());
    }
  }
  auto moves = netlink::moves(*things, sides->there, relink(socket, *sides, order.port));
  if (const auto moved = send(socket, moves); !moved) {
    const auto master = order.port ? std::optional(found->master) : std::nullopt;
    return tl::unexpected(undo(socket, *sides, *things, master, moved.error()));
  }
  // A bridge that was up already (a second attempt, a NIC that came later) sends nothing until the
  // kernel's linkwatch has had its turn, behind everybody who waits for the same lock. To be asked
  // for one link makes the kernel do it at once (rtnl_getlink, since 6.8).
  if (sides->joins) (void)socket.link(sides->there.to);
  return sides->joins ? Result<void>() : records.remove(sides->nic);
}

}  // namespace novaplane::engine
