#include <fmt/format.h>

#include "dataplane/engine/engine.h"

/// Announces again (gratuitous ARP, unsolicited neighbour advertisements) what stands on a link
/// that others know by another MAC or behind another port of their switch.
namespace novaplane::engine {
namespace {

/// A carrier that comes and goes makes no storm of it.
constexpr std::chrono::seconds kPause{1};

bool works(const netlink::Link& link) { return link.up && link.carrier; }

}  // namespace

/// By whatever name a link comes back: it may be another NIC.
void KernelView::remember_location(const std::string& name) {
  if (const netlink::Link* known = link(name)) last_locations_[name] = {known->index, known->mac};
}

/// Carrier counts of links that lead to others: NICs of the document, and ports to other hosts.
/// That of a bridge is its ports' affair.
void KernelView::note_location(const netlink::Link* before, const netlink::Link& now) {
  const bool leads_out = is_watched(now.name) || is_underlay_port(now.name);
  if (!leads_out && !is_ours(now)) return;
  std::optional<std::pair<int, Mac>> place;
  const auto remembered = last_locations_.find(now.name);
  if (before && before->name == now.name) place = {before->index, before->mac};
  if (!place && remembered != last_locations_.end()) place = remembered->second;
  if (remembered != last_locations_.end()) last_locations_.erase(remembered);
  const bool has_lost_it = before && works(*before) && !works(now);
  if (leads_out && has_lost_it) without_carrier_.insert(now.name);
  const bool is_back = works(now) && without_carrier_.erase(now.name) != 0;
  std::string why;
  if (place && place->second != now.mac) {
    why = fmt::format("its MAC was {}, is {}", place->second, now.mac);
  } else if (place && place->first != now.index) {
    why = "the link was made again";
  } else if (is_back) {
    why = "its carrier is back";
  } else if (leads_out && now.notifies_peers) {
    why = "another of its NICs is in use, or it has moved";
  }
  if (!why.empty()) to_announce_.insert_or_assign(now.name, std::move(why));
}

/// What is said on the link, or on the bridge of ours that it is a port of.
std::set<std::string> Engine::announced_links_of(const std::string& name) const {
  std::set<std::string> links{name};
  const netlink::Link* link = view_.link(name);
  const netlink::Link* master = link && link->master != 0 ? view_.link(link->master) : nullptr;
  if (master && type_if_ours(tables_, master->name)) links.insert(master->name);
  return links;
}

/// Public addresses follow from rows that stand, as if those were new.
void Engine::add_standing(const std::set<std::string>& links, std::vector<Announce>& out) const {
  SideEffects found;
  const auto follow = [&](const auto& key, const auto* wanted, const auto* seen) {
    using Row = std::remove_cvref_t<decltype(*seen)>;
    using Key = std::remove_cvref_t<decltype(key)>;
    if (!wanted || !seen || !(*wanted == *seen)) return;
    const Step step{Phase::routes, Change<Key, Row>{key, std::nullopt, *seen}, nullptr};
    compiler_.add_side_effects(step, found);
  };
  tables_.for_each_kind([&]<class K>(std::type_identity<K>, const auto& table) {
    if constexpr (requires { K::kAnnounces; }) table.rows().for_each(follow);
  });
  for (Announce& announce : found.announcements) {
    if (announce.count > 0 && links.contains(announce.link)) out.push_back(std::move(announce));
  }
}

void Engine::plan_announcements(Plan& plan, Clock::time_point now) {
  std::vector<std::string> empty;
  for (const auto& [name, why] : view_.to_announce()) {
    const netlink::Link* link = view_.link(name);
    const auto last = announced_.find(name);
    if (!link || !works(*link)) continue;
    if (last != announced_.end() && now < last->second + kPause) continue;
    const std::set<std::string> links = announced_links_of(name);
    Reannounce again{name, why, {}};
    for (const std::string& place : links) compiler_.announce_again(place, again.announcements);
    add_standing(links, again.announcements);
    if (again.announcements.empty()) {
      empty.push_back(name);
    } else {
      plan.push_back({Phase::announce, std::move(again), nullptr});
    }
  }
  for (const std::string& name : empty) view_.announced(name);
}

/// Where there is another uplink, or a bridge has another MAC by this very plan.
void Engine::plan_announcements_at(const std::set<std::string>& links, Plan& plan) const {
  for (const std::string& place : links) {
    Reannounce again{place, "its addresses may have been on another link or MAC", {}};
    add_standing({place}, again.announcements);
    if (again.announcements.empty()) continue;
    compiler_.announce_again(place, again.announcements);
    plan.push_back({Phase::announce, std::move(again), nullptr});
  }
}

void Engine::announced(const std::string& link, Clock::time_point now) {
  view_.announced(link);
  announced_.insert_or_assign(link, now);
}

std::optional<Clock::time_point> Engine::next_announcement() const {
  std::optional<Clock::time_point> next;
  for (const auto& [name, why] : view_.to_announce()) {
    const auto last = announced_.find(name);
    const netlink::Link* link = view_.link(name);
    if (last == announced_.end() || !link || !works(*link)) continue;
    if (!next || last->second + kPause < *next) next = last->second + kPause;
  }
  return next;
}

}  // namespace novaplane::engine
