#include "dataplane/engine/host/nic_migration.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "dataplane/base/files.h"
#include "dataplane/engine/host/ip_config_move.h"
#include "dataplane/engine/host/others_changes.h"
#include "dataplane/netlink/sysctl.h"

namespace novaplane::engine {
namespace {

using netlink::Ends;
using netlink::IpConfig;
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

Move move_of(netlink::Request request, std::string what) {
  return {std::move(request), {}, std::move(what)};
}

/// One migration under way: who is who.
struct Sides {
  std::string nic;
  Ends there;         ///< from where to where
  bool joins = true;  ///< the bridge takes over; else the NIC gets everything back
  Ends back() const { return {there.to, there.from, there.to_name, there.from_name}; }
};

Result<Sides> sides_of(netlink::Socket& socket, const NicMigrationChange& change) {
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

/// The underlay port changes hands; then the bridge goes up, if it is not.
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

/// The kernel's own routes come and go with addresses.
bool has_any(const std::vector<IpConfig>& things) {
  return std::ranges::any_of(things, [](const IpConfig& c) { return !c.by_kernel; });
}

class Migration {
 public:
  Migration(netlink::Socket& socket, const NicRecords& records, const NicMigrationRequest& order,
            Sides sides, netlink::IpConfigEvents events)
      : socket_(socket),
        records_(records),
        order_(order),
        sides_(std::move(sides)),
        others_(std::move(events), sides_.there) {}

  Result<void> run(int master);

 private:
  using Things = std::vector<IpConfig>;

  /// What is left to do, as both links are now.
  struct Rest {
    Things to_move;              ///< from the old link, or added by others and on neither
    Things of_old, of_new;       ///< to be taken, since others have deleted them
    Things missing_routes;       ///< the kernel's, on the new link
    bool is_known_whole = true;  ///< nobody has done anything while it was found out
    bool is_empty() const {
      return to_move.empty() && of_old.empty() && of_new.empty() && missing_routes.empty();
    }
  };

  Result<Things> list_old_place() const;
  Result<Things> things_to_move();
  Result<Rest> find_rest();
  Result<void> record(const Things& things) const;
  Result<void> await_ipv6(const Things& things) const;
  Result<void> move(Things things, std::vector<Move> relink, std::optional<int> master);
  std::optional<Error> error_of(const MoveResult& moved) const;
  Error undo(Things things, std::optional<int> master, Error why);
  Result<void> move_rest();
  Result<void> finish() const;

  netlink::Socket& socket_;
  const NicRecords& records_;
  const NicMigrationRequest& order_;
  Sides sides_;
  OthersChanges others_;
};

Result<Migration::Things> Migration::list_old_place() const {
  constexpr bool kRanks = true;
  auto things = netlink::ip_config_of(socket_, sides_.there.from, kRanks);
  if (!things || sides_.there.from_name == sides_.nic) return things;
  // The kernel makes each bridge a link-local address of its own. Without a record nobody knows.
  if (!records_.bridges().contains(sides_.nic)) return things;
  const auto recorded = records_.read(sides_.nic);
  std::erase_if(*things, [&](const IpConfig& c) { return c.link_local && !is_among(recorded, c); });
  return things;
}

/// What the old place has, and what only the record has.
Result<Migration::Things> Migration::things_to_move() {
  auto things = list_old_place();
  const NicMigrationChange& change = order_.change;
  const bool is_lost = change.before && change.before->holder.empty();
  if (!things || !is_lost) return things;
  for (IpConfig& thing : records_.read(sides_.nic)) {
    if (is_among(*things, thing)) continue;
    others_.expect_missing(thing);
    things->push_back(std::move(thing));
  }
  return things;
}

/// Before anything is changed: what is moved now, and what was moved before and still stands.
Result<void> Migration::record(const Things& things) const {
  auto all = netlink::ip_config_of(socket_, sides_.there.to, false);
  if (!all) return tl::unexpected(all.error());
  // Each bridge has a link-local address of its own, which is not the NIC's.
  const auto before = records_.read(sides_.nic);
  std::erase_if(*all, [&](const IpConfig& c) { return c.link_local && !is_among(before, c); });
  for (const IpConfig& thing : things) {
    if (!is_among(*all, thing)) all->push_back(thing);
  }
  auto written = records_.write(sides_.nic, sides_.there.to_name, *all);
  if (written) return written;
  return NicRecords::not_recorded(
      "it carries the host, and joins only when what it carries is recorded", written.error());
}

/// A bridge without IPv6 was planned for a NIC without it: the plan is old. A NIC on which somebody
/// has switched it off meanwhile, as is the custom with ports, needs it again.
Result<void> Migration::await_ipv6(const Things& things) const {
  const auto needs_it =
      std::ranges::find_if(things, [](const IpConfig& c) { return c.ipv6 && !c.by_kernel; });
  if (needs_it == things.end()) return {};
  const auto link = socket_.link(sides_.there.to);
  if (!link) return tl::unexpected(link.error());
  if (link->ipv6) return {};
  if (!sides_.joins) {
    return netlink::write_sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", sides_.nic), "0");
  }
  return failure("", kPlanAgain,
                 fmt::format("{} carries {}, and {} has IPv6 switched off", sides_.nic,
                             needs_it->text, sides_.there.to_name));
}

/// Puts everything back but what others have deleted; the words say when that failed too.
Error Migration::undo(Things things, std::optional<int> master, Error why) {
  std::vector<Move> relink;
  if (const auto nic = socket_.index_of(sides_.nic); nic && master) {
    netlink::LinkSettings settings;
    settings.master = *master;
    relink.push_back(move_of(netlink::set_link(*nic, settings), "put " + sides_.nic + " back"));
  }
  for (IpConfig& thing : others_.take_added()) {
    if (!is_among(things, thing)) things.push_back(std::move(thing));
  }
  const auto is_deleted = [&](const IpConfig& c) { return others_.have_deleted(c); };
  Things deleted;
  std::ranges::copy_if(things, std::back_inserter(deleted), is_deleted);
  std::erase_if(things, is_deleted);
  const auto undone = error_of(move_ip_config(socket_, things, sides_.back(), std::move(relink)));
  others_.process_events();
  std::ranges::copy_if(things, std::back_inserter(deleted), is_deleted);
  const Ends& there = sides_.there;
  try_all(socket_, netlink::removals(deleted, there));
  try_all(socket_, netlink::removals(deleted, sides_.back()));
  const Things late = others_.take_added();
  try_all(socket_, netlink::puts(late, {there.from, there.from, there.from_name, there.from_name}));
  why.words += undone ? fmt::format("; and not put back: {}", undone->words)
                      : fmt::format("; {} has everything again", sides_.there.from_name);
  return why;
}

/// What could not be put since somebody has deleted it is no failure.
std::optional<Error> Migration::error_of(const MoveResult& moved) const {
  if (moved.error) return moved.error;
  for (const auto& [thing, error] : moved.failed) {
    const bool has_gone_with_address = thing->by_kernel && others_.has_news();
    if (!others_.have_deleted(*thing) && !has_gone_with_address) return error;
  }
  return std::nullopt;
}

/// All in one send, and back again when it fails.
Result<void> Migration::move(Things things, std::vector<Move> relink, std::optional<int> master) {
  const auto moved = move_ip_config(socket_, things, sides_.there, std::move(relink));
  others_.process_answers(things, moved);
  const auto error = error_of(moved);
  if (error) return tl::unexpected(undo(std::move(things), master, *error));
  return {};
}

/// Events of what others do after a listing are processed before anything is decided; what they do
/// after that the next look finds. The new link is listed only where others have done anything.
Result<Migration::Rest> Migration::find_rest() {
  Rest rest;
  const auto old = list_old_place();
  if (!old) return tl::unexpected(old.error());
  others_.process_events();
  // The kernel drops some without a word, with the last address of their link.
  Things added = others_.take_added();
  if (others_.take_news()) {
    const auto there = netlink::ip_config_of(socket_, sides_.there.to, false);
    if (!there) return tl::unexpected(there.error());
    others_.process_events();
    rest.of_new = others_.take_unwanted(*there);
    rest.missing_routes = others_.take_missing_routes(*there);
    rest.is_known_whole = added.empty();
    std::erase_if(added, [&](const IpConfig& thing) {
      return is_among(*there, thing) || others_.have_deleted(thing);
    });
    std::ranges::move(others_.take_added(), std::back_inserter(added));
  }
  for (const IpConfig& thing : *old) {
    (others_.have_deleted_last(thing) ? rest.of_old : rest.to_move).push_back(thing);
  }
  for (IpConfig& thing : added) {
    if (is_among(rest.to_move, thing)) continue;
    others_.expect_missing(thing);
    rest.to_move.push_back(std::move(thing));
  }
  if (!has_any(rest.to_move)) rest.to_move.clear();
  rest.is_known_whole &= !others_.has_news();
  return rest;
}

Result<void> Migration::move_rest() {
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds; ++round) {
    auto rest = find_rest();
    if (!rest) return tl::unexpected(rest.error());
    if (rest->is_empty() && rest->is_known_whole) return finish();
    const Ends& there = sides_.there;
    try_all(socket_, netlink::removals(rest->of_old, there));
    try_all(socket_, netlink::removals(rest->of_new, sides_.back()));
    try_all(socket_, netlink::puts(rest->missing_routes, there));
    if (rest->to_move.empty()) continue;
    if (auto ready = await_ipv6(rest->to_move); !ready) return ready;
    if (auto moved = move(std::move(rest->to_move), {}, std::nullopt); !moved) return moved;
  }
  const auto words = fmt::format("others go on changing {}", sides_.there.from_name);
  return failure("", kPlanAgain, words);
}

Result<void> Migration::finish() const {
  if (!sides_.joins) return {};
  // A bridge that was up already (a second attempt, a NIC that came later) sends nothing until the
  // kernel's linkwatch has had its turn, behind everybody who waits for the same lock. To be asked
  // for one link makes the kernel do it at once (rtnl_getlink, since 6.8).
  (void)socket_.link(sides_.there.to);
  return {};
}

Result<void> Migration::run(int master) {
  auto things = things_to_move();
  if (!things) return tl::unexpected(things.error());
  if (auto ready = await_ipv6(*things); !ready) return ready;
  if (sides_.joins) {
    if (auto recorded = record(*things); !recorded) return recorded;
    if (order_.port) copy_sysctls(sides_.nic, sides_.there.to_name);
    // All that took its time. A DHCP client may be half done.
    if (things = things_to_move(); !things) return tl::unexpected(things.error());
    if (auto ready = await_ipv6(*things); !ready) return ready;
  }
  const auto master_before = order_.port ? std::optional(master) : std::nullopt;
  auto links = relink(socket_, sides_, order_.port);
  if (auto moved = move(std::move(*things), std::move(links), master_before); !moved) return moved;
  return move_rest();
}

}  // namespace

Result<void> migrate(netlink::Socket& socket, const NicRecords& records,
                     const NicMigrationRequest& order) {
  auto events = netlink::IpConfigEvents::open(socket.port_id());
  if (!events) return tl::unexpected(events.error());
  auto sides = sides_of(socket, order.change);
  if (!sides) return tl::unexpected(sides.error());
  const auto nic = socket.index_of(sides->nic);
  const auto found = nic ? socket.link(*nic) : tl::unexpected(nic.error());
  if (!found) return tl::unexpected(found.error());
  return Migration(socket, records, order, std::move(*sides), std::move(*events))
      .run(found->master);
}

}  // namespace novaplane::engine
