#include "dataplane/engine/host/ip_config_move.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

namespace novaplane::engine {
namespace {

using netlink::Ends;
using netlink::IpConfig;
using netlink::Move;
using Kind = IpConfig::Kind;

std::vector<Result<void>> send(netlink::Socket& socket, std::vector<Move>& moves) {
  std::vector<netlink::Request> requests;
  requests.reserve(moves.size());
  for (Move& move : moves) requests.push_back(std::move(move.request));
  return socket.send(requests);
}

/// Whether an answer to a removal says that somebody else was there first. Routes tell it by an
/// event: many of them are replaced on their way, and not there any more for that reason.
bool is_missing(const IpConfig& thing, int code) {
  return (thing.kind == Kind::address && !thing.is_temporary && code == EADDRNOTAVAIL) ||
         (thing.kind == Kind::neighbour && code == ENOENT);
}

bool put_again(netlink::Socket& socket, const IpConfig& thing, const Ends& ends) {
  if (thing.kind != Kind::route && thing.kind != Kind::next_hop) return false;
  const auto requests = netlink::put_with_gateways(thing, ends);
  const auto results = socket.send(requests);
  const auto& put = results[results.size() / 2];  // ways to gateways before it, and as many after
  return put || put.error().code == EEXIST;
}

void add_answer(netlink::Socket& socket, const Move& move, const Ends& ends, const Error& error,
                MoveResult& result) {
  const bool tolerated = std::ranges::find(move.tolerated, error.code) != move.tolerated.end();
  if (move.thing && move.takes && is_missing(*move.thing, error.code)) {
    result.missing.push_back(move.thing);
  }
  const bool is_put = move.thing && !move.takes && move.thing->kind == Kind::address;
  if (is_put && error.code == EEXIST) result.found.push_back(move.thing);
  if (tolerated) return;
  Error named = error;
  named.step.clear();
  named.words = fmt::format("{}: {}", move.what, error.message());
  if (!move.thing || move.takes) {
    if (!result.error) result.error = std::move(named);
  } else if (!put_again(socket, *move.thing, ends)) {
    result.failed.emplace_back(move.thing, std::move(named));
  }
}

}  // namespace

MoveResult move_ip_config(netlink::Socket& socket, const std::vector<IpConfig>& things,
                          const Ends& ends, std::vector<Move> relink) {
  auto moves = netlink::moves(things, ends, std::move(relink));
  const auto answers = send(socket, moves);
  MoveResult result;
  std::set<const IpConfig*> put;
  for (const Move& move : moves) {
    const bool puts = move.thing && !move.takes && move.thing->kind == Kind::address;
    if (puts && !put.insert(move.thing).second) result.put_twice.push_back(move.thing);
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i]) add_answer(socket, moves[i], ends, answers[i].error(), result);
  }
  return result;
}

void try_all(netlink::Socket& socket, std::vector<Move> moves) {
  if (!moves.empty()) (void)send(socket, moves);
}

SavedNeighbours::SavedNeighbours(netlink::Socket& socket, int link, std::string name, bool listens)
    : socket_(socket), link_(link), name_(std::move(name)) {
  if (listens) {
    auto events = netlink::IpConfigEvents::open(socket.port_id());
    if (events) events_.emplace(std::move(*events));
  }
  if (auto things = netlink::ip_config_of(socket, link, false)) things_ = std::move(*things);
}

/// What others do meanwhile is done again to what we have put, until they have done nothing.
void SavedNeighbours::put_back() {
  constexpr int kRounds = 10;
  std::erase_if(things_, [](const IpConfig& thing) { return thing.kind != Kind::neighbour; });
  for (int round = 0; round < kRounds; ++round) {
    const auto deleted = follow_others();
    if (round > 0 && deleted.empty() && things_.empty()) return;
    const Ends here{link_, link_, name_, name_};
    if (round > 0) try_all(socket_, netlink::removals(deleted, here));
    try_all(socket_, netlink::puts(things_, here));
    things_.clear();
  }
}

/// Changes what is to be put; returns what others have deleted.
std::vector<IpConfig> SavedNeighbours::follow_others() {
  std::vector<IpConfig> deleted;
  if (!events_) return deleted;
  for (auto& [links, gone, thing] : events_->take()) {
    if (thing.kind != Kind::neighbour || !links.contains(link_)) continue;
    for (auto* before : {&things_, &deleted})
      std::erase_if(*before, [&](const IpConfig& c) { return c.text == thing.text; });
    (gone ? deleted : things_).push_back(std::move(thing));
  }
  return deleted;
}

std::string ip_config_in_words(netlink::Socket& socket, int link, const std::string& name) {
  constexpr bool kRanks = false;
  const auto things = netlink::ip_config_of(socket, link, kRanks);
  if (!things) return things.error().message();
  for (const IpConfig& thing : *things) {
    if (!thing.by_kernel) return fmt::format("{} carries {}", name, thing.text);
  }
  return {};
}

std::vector<netlink::IpConfig> lost_in_between(std::vector<netlink::IpConfigEvents::Event> before,
                                               std::vector<netlink::IpConfigEvents::Event> after,
                                               int link) {
  std::map<std::string, netlink::IpConfig> lost;
  const auto follow = [&](std::vector<netlink::IpConfigEvents::Event>& events, bool by_kernel) {
    for (auto& [links, gone, thing] : events) {
      if (!links.contains(link) || thing.link_local) continue;
      const bool is_address6 = thing.kind == Kind::address && thing.ipv6;  // told when they go
      const bool is_lost = is_address6 ? by_kernel : !gone;
      if (is_lost) lost.insert_or_assign(thing.text, std::move(thing));
      if (!is_lost) lost.erase(thing.text);
    }
  };
  follow(before, false);
  follow(after, true);
  std::vector<netlink::IpConfig> things;
  for (auto& [text, thing] : lost) things.push_back(std::move(thing));
  return things;
}

}  // namespace novaplane::engine
