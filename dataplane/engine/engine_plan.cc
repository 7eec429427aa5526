#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <set>

#include "dataplane/engine/engine.h"

/// What is to be done: each table's differences, put in their phases.
namespace novaplane::engine {
namespace {

/// State (up, MTU) is a step of its own, late in the pass.
bool same_but_for_state(Link a, const Link& b) {
  a.mtu = b.mtu;
  a.up = b.up;
  return a == b;
}

/// What the kernel lets nobody change of a link: "vlan id was 7, wanted 101"; empty: all alike.
std::string is_another(const Link& seen, const Link& wanted) {
  if (seen.kind != wanted.kind) return fmt::format("is a {}, wanted a {}", seen.kind, wanted.kind);
  if (seen.vni != wanted.vni || seen.udp_port != wanted.udp_port) {
    return fmt::format("is vxlan {} on UDP port {}, wanted {} on {}", seen.vni, seen.udp_port,
                       wanted.vni, wanted.udp_port);
  }
  if (seen.vlan_id == wanted.vlan_id && seen.parent == wanted.parent) return {};
  return fmt::format("is vlan {} on {}, wanted {} on {}", seen.vlan_id, seen.parent, wanted.vlan_id,
                     wanted.parent);
}

/// Within a phase the steps stay as they are. They are large, so each is moved once at most; those
/// of a host from nothing are in order already.
void sort_by_phase(Plan& plan) {
  const auto earlier = [](const Step& a, const Step& b) { return a.phase < b.phase; };
  if (std::is_sorted(plan.begin(), plan.end(), earlier)) return;
  std::vector<std::uint32_t> places(plan.size());
  std::iota(places.begin(), places.end(), 0);
  std::stable_sort(places.begin(), places.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return earlier(plan[a], plan[b]); });
  Plan sorted;
  sorted.reserve(plan.size());
  for (const std::uint32_t place : places) sorted.push_back(std::move(plan[place]));
  plan = std::move(sorted);
}

template <class Row>
Boxed<Row> copy(const Row* row) {
  return row ? Boxed<Row>(*row) : std::nullopt;
}

}  // namespace

/// One step for each pending row that `place` gives a phase; a row that failed lately waits.
template <class Key, class Row, class Place>
void Engine::plan_rows(const Table<Key, Row>& table, Place&& place, Plan& plan,
                       Clock::time_point now) {
  table.rows().for_each_pending(
      [&](const Key& key, const Row* wanted, const Row* seen, const auto& claim) {
        const std::optional<Phase> phase = place(key, wanted, claim.owner);
        if (!phase) return;
        plan.push_back({*phase, Change<Key, Row>{key, copy(seen), copy(wanted)}, claim.owner});
        if (!backoff_.empty() && backoff_.must_wait(plan.back().subject(*ruleset_), now))
          plan.pop_back();
      });
}

bool Engine::taken(const LinkKey& name) const {
  return !tables_.links.rows().actual(name) && view_.link(name);
}

void Engine::find_blocked_links(Clock::time_point now) {
  blocked_links_.clear();
  tables_.links.rows().for_each_pending(
      [&](const LinkKey& name, const Link* wanted, const Link* seen) {
        if (!wanted || (seen && is_another(*seen, *wanted).empty())) return;
        const Owner& owner = tables_.links.claim_of(name)->owner;
        if (seen) {
          conflicts_[*owner].push_back(fmt::format("link {} has our mark, but {}: delete it", name,
                                                   is_another(*seen, *wanted)));
          blocked_links_.insert(name);
        } else if (taken(name)) {
          const std::string kind = view_.link(name)->kind;
          conflicts_[*owner].push_back(
              fmt::format("the name {} is taken by a {} link that is not ours (no group 0x{:x})",
                          name, kind.empty() ? "hardware" : kind, netlink::kOurGroup));
          blocked_links_.insert(name);
        } else if (!backoff_.empty() && backoff_.must_wait("link " + name, now)) {
          blocked_links_.insert(name);
        }
      });
}

std::optional<Phase> Engine::place_link(const LinkKey& name, const Link* wanted) const {
  if (!wanted) {
    return waiting_nics_.contains(name) ? std::nullopt : std::optional(Phase::delete_links);
  }
  const Link* seen = tables_.links.rows().actual(name);
  if (blocked(name) || (seen && same_but_for_state(*seen, *wanted))) return std::nullopt;
  return Phase::create_links;
}

void Engine::plan_raises(Plan& plan, Clock::time_point now) {
  tables_.links.rows().for_each_pending(
      [&](const LinkKey& name, const Link* wanted, const Link* seen) {
        const std::string why = wanted ? reason_to_raise(seen, *wanted) : "";
        if (why.empty() || blocked(name)) return;
        Step step{Phase::raise_links, Raise{name, wanted->mtu, why, wanted->kind},
                  tables_.links.claim_of(name)->owner};
        if (backoff_.empty() || !backoff_.must_wait(step.subject(*ruleset_), now))
          plan.push_back(std::move(step));
      });
}

/// A port joins when its link is there; until then its object waits, which is no change. The link's
/// own events bring it back. A link that we make ourselves is not waited for.
void Engine::park_ports_without_link() {
  std::vector<AttachmentKey> absent;
  tables_.attachments.rows().for_each_pending(
      [&](const AttachmentKey& name, const Attachment* wanted, const Attachment*) {
        const bool is_ours = tables_.links.rows().desired(name) != nullptr;
        if (wanted && !is_ours && !view_.link(name)) absent.push_back(name);
      });
  for (const AttachmentKey& name : absent) tables_.attachments.park(name);
}

const netlink::Link* Engine::held_by_others(const std::string& port) const {
  const netlink::Link* link = view_.link(port);
  const netlink::Link* master = link && link->master != 0 ? view_.link(link->master) : nullptr;
  return master && !tables_.links.rows().actual(master->name) ? master : nullptr;
}

std::optional<Phase> Engine::place_attachment(const AttachmentKey& name, const Attachment* wanted,
                                              const Owner& owner) {
  if (waiting_nics_.contains(name)) return std::nullopt;
  if (!wanted) return Phase::detach;
  if (const netlink::Link* master = held_by_others(name)) {
    conflicts_[*owner].push_back(
        fmt::format("{} is already a port of {}, which is not ours", name, master->name));
    return std::nullopt;
  }
  return blocked(wanted->master) || blocked(name) ? std::nullopt : std::optional(Phase::attach);
}

/// Only what we attach is ours to shape; a port without its link waits with it.
std::optional<Phase> Engine::place_shaper(const ShaperKey& link, const Shaper* wanted) const {
  if (!wanted) return Phase::withdraw;
  const bool is_port = tables_.attachments.rows().desired(link) != nullptr;
  return is_port && view_.link(link) && !held_by_others(link) ? std::optional(Phase::shape)
                                                              : std::nullopt;
}

/// A NIC joins or leaves with what it carries. Where that has to wait (it failed lately), so do the
/// NIC, and the end of the bridge that has it.
void Engine::plan_nic_migrations(Plan& plan, Clock::time_point now) {
  const std::size_t before = plan.size();
  plan_rows(
      tables_.nic_migrations,
      [&](const NicMigrationKey& nic, const NicMigration* wanted, auto&) {
        if (!wanted) return std::optional(Phase::detach);
        const bool is_early = calm_ != Clock::duration::zero() && !is_calm(nic, now);
        return is_early || blocked(wanted->holder) ? std::nullopt : std::optional(Phase::attach);
      },
      plan, now);
  waiting_nics_.clear();
  std::erase_if(unrest_, [&](const auto& entry) { return now >= entry.second.until; });
  if (tables_.nic_migrations.rows().pending() == plan.size() - before) return;
  tables_.nic_migrations.rows().for_each_pending(
      [&](const NicMigrationKey& nic, const NicMigration*, const NicMigration* seen) {
        waiting_nics_.insert(nic);
        if (seen) waiting_nics_.insert(seen->holder);
      });
  for (std::size_t i = before; i < plan.size(); ++i) {
    const auto& change = std::get<NicMigrationChange>(plan[i].operation);
    waiting_nics_.erase(change.key);
    if (change.before) waiting_nics_.erase(change.before->holder);
  }
}

/// False: the ruleset could not be written lately and has to wait.
bool Engine::plan_ruleset(Plan& plan, Clock::time_point now) {
  std::optional<RulesetChange> change;
  if (wants_ruleset_ && !repair_.empty()) change = RulesetChange{repair_.what(), repair_.why()};
  if (!wants_ruleset_ && ruleset_seen_) {
    change =
        RulesetChange{"delete tables inet novaplane and bridge novaplane", "not wanted any more"};
  }
  if (!change) return true;
  Step step{Phase::nftables, std::move(*change), nullptr};
  if (!backoff_.empty() && backoff_.must_wait(step.subject(*ruleset_), now)) return false;
  plan.push_back(std::move(step));
  return true;
}

/// "net/ipv4/conf/br-blue/rp_filter" waits for its link, as a port does: the next pass has it.
bool Engine::is_of_link_to_come(const SysctlKey& key) const {
  constexpr std::size_t kFamilyAndKind = 3;  // net/ipv4/conf
  std::size_t begin = 0;
  for (std::size_t i = 0; i < kFamilyAndKind && begin != std::string::npos; ++i) {
    begin = key.find('/', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return false;
  const std::string name = key.substr(begin, key.find('/', begin) - begin);
  return tables_.links.rows().desired(name) && !tables_.links.rows().actual(name);
}

/// nf_tables, and what holds for the whole host.
void Engine::plan_rules_and_switches(Plan& plan, Clock::time_point now) {
  plan_rows(
      tables_.elements, [&](auto&, auto*, auto&) { return std::optional(Phase::nftables); }, plan,
      now);
  plan_rows(
      tables_.sysctls,
      [this](const SysctlKey& key, const Sysctl* wanted, auto&) {
        // What was found is put back by `down` only, from the record of it.
        const bool may_be = wanted && !is_of_link_to_come(key);
        return may_be ? std::optional(Phase::sysctls) : std::nullopt;
      },
      plan, now);
}

/// Links of ours, and those that join them.
void Engine::plan_links(Plan& plan, Clock::time_point now) {
  plan_nic_migrations(plan, now);
  plan_rows(
      tables_.links,
      [&](const LinkKey& name, const Link* wanted, const Owner&) {
        return place_link(name, wanted);
      },
      plan, now);
  plan_rows(
      tables_.attachments,
      [&](const AttachmentKey& name, const Attachment* wanted, const Owner& owner) {
        return place_attachment(name, wanted, owner);
      },
      plan, now);
  plan_raises(plan, now);
  plan_rows(
      tables_.shapers,
      [&](const ShaperKey& link, const Shaper* wanted, const Owner&) {
        return place_shaper(link, wanted);
      },
      plan, now);
}

/// What stands on links, and so waits with them.
void Engine::plan_on_links(Plan& plan, Clock::time_point now) {
  const auto on_link = [this](Phase removal, Phase addition, auto link_of) {
    return [this, removal, addition, link_of](const auto& key, const auto* wanted, const Owner&) {
      if (!wanted) return std::optional(removal);
      return blocked(link_of(key, *wanted)) ? std::nullopt : std::optional(addition);
    };
  };
  plan_rows(tables_.addresses,
            on_link(Phase::withdraw, Phase::addresses, [](auto& key, auto&) { return key.link; }),
            plan, now);
  plan_rows(tables_.routes,
            on_link(Phase::withdraw, Phase::routes, [](auto&, auto& row) { return row.link; }),
            plan, now);
  plan_rows(
      tables_.policy_rules,
      [](auto&, const PolicyRule* wanted, auto&) {
        return std::optional(wanted ? Phase::routes : Phase::withdraw);
      },
      plan, now);
  plan_rows(tables_.neighbours,
            on_link(Phase::withdraw, Phase::routes, [](auto& key, auto&) { return key.link; }),
            plan, now);
  plan_rows(
      tables_.forwarding,
      [this](auto& key, auto* wanted, auto&) { return place_forwarding(key, wanted); }, plan, now);
  plan_rows(tables_.services,
            on_link(Phase::services, Phase::services, [](auto&, auto& row) { return row.device; }),
            plan, now);
  plan_rows(
      tables_.entries, [](auto&, auto*, auto&) { return std::optional(Phase::services); }, plan,
      now);
}

Plan Engine::plan(Clock::time_point now) {
  Plan plan = differences(now);
  complete(plan, now);
  return plan;
}

Plan Engine::differences(Clock::time_point now) {
  learn();
  view_.refresh_wanted();
  // What an edit has let go of may never have moved.
  if (tables_.nic_migrations.rows().pending() > 0) view_.mark_nic_migrations_stale();
  view_.refresh_nic_migrations();
  conflicts_.clear();
  find_blocked_links(now);
  park_ports_without_link();

  Plan plan;
  plan.reserve(2 * pending() + 1);  // most rows that change have a consequence
  const bool frame_can_be = plan_ruleset(plan, now);
  plan_rules_and_switches(plan, now);
  plan_links(plan, now);
  plan_on_links(plan, now);
  backoff_.forget_unasked();
  keep_elements_of_attached(plan);
  // Without the rules nothing may join, answer or be reached.
  if (!frame_can_be) std::erase_if(plan, [](const Step& s) { return s.phase > Phase::detach; });
  return plan;
}

void Engine::complete(Plan& plan, Clock::time_point now) {
  add_side_effects(plan);
  plan_announcements(plan, now);
  sort_by_phase(plan);
}

/// What our nf_tables say of a port keeps guests apart, and tells a fresh process that the port is
/// ours to detach: it stays as long as the port is on its bridge.
void Engine::keep_elements_of_attached(Plan& plan) const {
  std::set<std::string_view> attached;
  tables_.attachments.rows().for_each_pending(
      [&](const AttachmentKey& port, const Attachment* wanted, const Attachment*) {
        if (!wanted) attached.insert(port);
      });
  for (const Step& step : plan) {
    const auto* change = std::get_if<AttachmentChange>(&step.operation);
    if (change) attached.erase(change->key);
  }
  if (attached.empty()) return;
  std::erase_if(plan, [&](const Step& step) {
    if (step.phase != Phase::nftables) return false;
    const auto* change = std::get_if<ElementChange>(&step.operation);
    const bool removes_all = !wants_ruleset_;
    return removes_all ||
           (change && !change->after && attached.contains(link_of(*ruleset_, change->key)));
  });
}

std::size_t Engine::pending() {
  std::size_t count = 0;
  tables_.for_each_table([&](const auto& table) { count += table.rows().pending(); });
  return count;
}

void Engine::add_side_effects(Plan& plan) const {
  const std::size_t steps = plan.size();
  SideEffects found;
  std::vector<std::size_t> steps_of_flows;  // of each in found.flows
  for (std::size_t i = 0; i < steps; ++i) {
    compiler_.add_side_effects(plan[i], found);
    for (const Announce& announce : found.announcements) {
      plan.push_back({Phase::announce, announce, plan[i].owner});
    }
    found.announcements.clear();
    steps_of_flows.resize(found.flows.size(), i);
    const auto* link = std::get_if<LinkChange>(&plan[i].operation);
    const bool has_other_mac =
        link && link->before && link->after && link->before->mac != link->after->mac;
    if (has_other_mac) found.replacing_links.push_back(link->key);
  }
  plan_announcements_at({found.replacing_links.begin(), found.replacing_links.end()}, plan);
  for (std::size_t i = 0; i < found.flows.size(); ++i) {
    plan.push_back({Phase::forget_flows, found.flows[i], plan[steps_of_flows[i]].owner});
  }
}

}  // namespace novaplane::engine
