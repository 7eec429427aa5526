#include "dataplane/node/node.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <future>

#include "bridge/bridge.h"
#include "dataplane/netlink/sysctl.h"
#include "dataplane/node/daemon_presence.h"
#include "dataplane/node/kernel_queries.h"
#include "dataplane/node/uplink_rows.h"
#include "dhcp/dhcp.h"
#include "hwgw/pair/gateway_pair.h"
#include "hwgw/router/router_records.h"
#include "hwgw/router/routers.h"
#include "metadata/metadata.h"
#include "nat/nat.h"
#include "security/security.h"

namespace novaplane::node {
namespace {

/// As sysctl(8) has it; a dot in a link's name is a slash there.
std::string name_of_sysctl(std::string key) {
  for (char& c : key) c = c == '/' ? '.' : c == '.' ? '/' : c;
  return key;
}

bool is_unread(const engine::Step& step) {
  return std::visit(
      [&]<class T>(const T& change) {
        if constexpr (engine::RowChange<T>) {
          return step.phase == engine::Phase::sysctls && !change.before;
        }
        return false;
      },
      step.operation);
}

}  // namespace

const std::vector<const engine::Subsystem*>& subsystems() {
  static const bridge::Bridge bridge;
  static const nat::Nat nat;
  static const security::Security security;
  static const dhcp::Dhcp dhcp;
  static const metadata::Metadata metadata;
  static const hwgw::Routers routers;
  static const hwgw::GatewayPair pair;
  static const std::vector<const engine::Subsystem*> all{&bridge,   &nat,     &security, &dhcp,
                                                         &metadata, &routers, &pair};
  return all;
}

/// Events are subscribed to before the first listing, so that none is missed in between.
Result<std::unique_ptr<Node>> Node::open(const std::string& host, const std::string& run_dir) {
  auto netlink_events =
      netlink::Monitor::open(netlink::Monitor::kBuffer, engine::groups_of_kinds());
  if (!netlink_events) return tl::unexpected(netlink_events.error());
  const auto ruleset = engine::ruleset_of(subsystems(), engine::Marks());
  auto nft_events = nft::Monitor::open(*ruleset);
  if (!nft_events) return tl::unexpected(nft_events.error());
  auto asker = netlink::Socket::open();
  if (!asker) return tl::unexpected(asker.error());
  auto lister = Lister::open(ruleset);
  if (!lister) return tl::unexpected(lister.error());
  std::unique_ptr<Node> node(new Node(host, run_dir, std::move(*asker), std::move(*netlink_events),
                                      std::move(*lister), std::move(*nft_events)));
  node->engine_.set_uplink_statuses(remembered_uplinks(
      run_dir, daemon_listens(run_dir) ? Remember::everything : Remember::by_hand));
  return node;
}

Node::Node(std::string host, const std::string& run_dir, netlink::Socket asker,
           netlink::Monitor netlink_events, Lister lister, nft::Monitor nft_events)
    : engine_(std::move(host), subsystems(), kernel_queries(engine_, asker_, run_dir)),
      asker_(std::move(asker)),
      netlink_events_(std::move(netlink_events)),
      lister_(std::move(lister)),
      nft_events_(std::move(nft_events)) {
  engine_.kernel().set_routers(hwgw::RouterRecords(run_dir).read());
}

// --- listings

ListRequest Node::list_request(bool silent) {
  ListRequest request;
  request.number = ++listings_;
  request.is_first = !nft_listed_;
  request.nftables = nft_stale_ || request.is_first;
  request.rtnetlink = rtnetlink_stale_;
  request.routes = routes_stale_ && !rtnetlink_stale_;
  request.addresses = ip_config_stale_ && !rtnetlink_stale_;
  request.proxies = proxies_stale_;
  request.silent = silent;
  if (silent) engine_.kernel().mark_facts_stale();  // some of them are sysctls
  if (silent) engine_.learn();
  if (silent) request.sysctls = engine_.wanted_sysctls();
  return request;
}

/// nf_tables first: their elements tell which ports of a bridge are ours to detach.
void Node::on_listing(ListResult seen) {
  if (take_nftables(seen)) take_rtnetlink(seen);
}

bool Node::take_nftables(ListResult& seen) {
  const ListRequest& request = seen.request;
  if (request.number != listings_) return false;
  if (seen.nftables) {
    generation_ = seen.nftables->generation;
    nft_listed_ = true;
    nft_stale_ = false;
    engine_.on_listing(std::move(*seen.nftables));
  }
  return true;
}

void Node::take_rtnetlink(ListResult& seen) {
  const ListRequest& request = seen.request;
  engine::KernelView& view = engine_.kernel();
  if (request.rtnetlink) view.forget();
  if (request.routes) view.forget(netlink::Listing::our_routes);
  if (request.lists_proxies()) view.forget(netlink::Listing::proxies);
  if (request.addresses) view.mark_ip_config_stale();
  if (request.addresses) view.mark_facts_stale();
  for (const netlink::Observation& told : seen.told) engine_.on_observation(told);
  if (request.rtnetlink || request.routes) routes_stale_ = false;
  if (request.rtnetlink) rtnetlink_stale_ = false;
  if (request.rtnetlink || request.addresses) ip_config_stale_ = false;
  if (request.rtnetlink || request.lists_proxies()) proxies_stale_ = false;
  for (auto& [key, value] : seen.sysctls) on_sysctl(key, std::move(value));
}

/// Somebody may change our nf_tables for as long as that.
Result<void> Node::list_now() {
  constexpr int kAttempts = 10;  // of 3 s
  for (int attempt = 1;; ++attempt) {
    const ListRequest due = list_request(/*silent=*/false);
    if (!due.any()) return {};
    auto seen = lister_.list(due);
    if (seen) return on_listing(std::move(*seen)), Result<void>();
    if (seen.error().code != EAGAIN || attempt == kAttempts) return tl::unexpected(seen.error());
  }
}

/// What the document must know of a few links, so that it is compiled while the kernel lists all
/// that there is. Should the listing know better, it is compiled again.
Result<void> Node::list_watched() {
  const auto told = lister_.list_links(engine_.kernel().watched());
  if (!told) return tl::unexpected(told.error());
  for (const netlink::Observation& one : *told) engine_.on_observation(one);
  return {};
}

/// nf_tables first: facts rest on them, and so does what is compiled meanwhile.
Result<void> Node::observe() {
  const bool is_first = engine_.kernel().links().empty();
  if (is_first) {
    nft_stale_ = true;
    if (auto looked = list_now(); !looked) return looked;
    if (auto asked = list_watched(); !asked) return asked;
  }
  rtnetlink_stale_ = true;
  nft_stale_ |= !is_first;
  const ListRequest due = list_request(/*silent=*/false);
  // Where there can be no thread, one comes after the other.
  constexpr auto kBeside = std::launch::async | std::launch::deferred;
  auto listing = std::async(kBeside, [&] { return lister_.list(due); });
  if (is_first) engine_.learn();
  auto seen = listing.get();
  if (seen) on_listing(std::move(*seen));
  if (!seen && seen.error().code != EAGAIN) return tl::unexpected(seen.error());
  if (auto looked = list_now(); !looked) return looked;
  engine_.learn();
  observe_sysctls();
  return {};
}

/// Those that were wanted when all had been compiled last.
void Node::observe_sysctls() {
  for (const std::string& key : engine_.wanted_sysctls()) {
    if (auto value = netlink::read_sysctl(key)) on_sysctl(key, std::move(*value));
  }
}

// That a foreign program has changed a value is said of two kinds, by name: nobody tells which
// values those are, so what was as wanted is compared with what is read.

void Node::on_sysctl(const std::string& key, std::string value) {
  const auto& rows = engine_.tables().sysctls.rows();
  const engine::Sysctl *wanted = rows.desired(key), *before = rows.actual(key);
  if (wanted && before && *before == *wanted && value != wanted->value) {
    foreign_change_ = fmt::format("another program set {} to {}", name_of_sysctl(key), value);
  }
  engine_.on_sysctl(key, std::move(value));
}

/// Links that have changed in what no event tells.
Result<void> Node::ask_links(std::span<const int> indexes) {
  const auto& rows = engine_.tables().links.rows();
  const auto is_as_wanted = [&](const std::string& name) {
    const engine::Link *wanted = rows.desired(name), *seen = rows.actual(name);
    return wanted && seen && *wanted == *seen;
  };
  for (auto& link : asker_.links(indexes)) {
    if (!link && link.error().code != ENODEV) return tl::unexpected(link.error());
    if (!link) continue;
    const std::string name = link->name;
    const bool was_as_wanted = is_as_wanted(name);
    engine_.on_observation(netlink::Seen<netlink::Link>{std::move(*link)});
    if (was_as_wanted && rows.actual(name) && !is_as_wanted(name)) {
      foreign_change_ = fmt::format("another program changed link {}", name);
    }
  }
  return {};
}

Result<void> Node::observe(const Changed& changed) {
  if (changed.sysctls) engine_.kernel().mark_facts_stale();
  if (changed.sysctls) observe_sysctls();
  if (auto asked = ask_links(changed.links); !asked) return asked;
  proxies_stale_ |= changed.proxies;
  return {};
}

engine::Plan Node::plan(engine::Clock::time_point now) {
  engine::Plan plan = differences(now);
  engine_.complete(plan, now);
  return plan;
}

engine::Plan Node::differences(engine::Clock::time_point now) {
  engine::Plan plan = engine_.differences(now);
  if (std::ranges::none_of(plan, is_unread)) return plan;
  observe_sysctls();
  return engine_.differences(now);
}

// --- orders

Result<void> Node::set_own_senders(const engine::Senders& senders) {
  own_ = senders;
  if (auto done = netlink_events_.ignore_routes_of(senders.netlink); !done) return done;
  return nft_events_.ignore_elements_of(senders.nftables);
}

void Node::begin(const engine::ApplyRequest& request) {
  constexpr std::ptrdiff_t kWorthAPause = 1000;
  const auto elements =
      std::count_if(request.plan.begin(), request.plan.end(), [](const engine::Step& step) {
        const bool is_act = std::holds_alternative<engine::RulesetChange>(step.operation);
        return step.phase == engine::Phase::nftables && !is_act;
      });
  if (elements >= kWorthAPause && nft_events_.pause()) paused_ = true;
}

Result<void> Node::end(const engine::ApplyRequest& request, const engine::ApplyResult& report) {
  engine_.done(request.plan, report.results, engine::Clock::now());
  const bool answers_lost =
      std::any_of(report.results.begin(), report.results.end(),
                  [](const auto& result) { return !result && result.error().code == ENOBUFS; });
  if (answers_lost) rtnetlink_stale_ = true;
  const bool moved = std::ranges::any_of(request.plan, engine::moves_ip_config);
  ip_config_stale_ |= moved || report.ip_config_changed;
  return paused_ ? resume_nftables_events(report.generation) : Result<void>();
}

void Node::invalidate_all() {
  if (paused_ && nft_events_.resume()) paused_ = false;
  nft_stale_ = rtnetlink_stale_ = true;
  engine_.load(engine_.document().shared_cloud());
}

/// Ears first, so that nothing falls between them and the question.
Result<void> Node::resume_nftables_events(std::optional<std::uint32_t> expected_generation) {
  if (auto resumed = nft_events_.resume(); !resumed) return resumed;
  paused_ = false;
  const auto generation = lister_.generation();
  if (!generation) return tl::unexpected(generation.error());
  nft_stale_ |= expected_generation != *generation;
  generation_ = *generation;
  return {};
}

// --- events

Result<void> Node::process_events() {
  constexpr int kFloods = 100;  // what one drain() leaves
  pollfd waiting{nft_fd(), POLLIN, 0};
  for (int i = 0; i < kFloods; ++i) {
    if (auto processed = process_events_until(engine::Clock::time_point::max()); !processed) {
      return tl::unexpected(processed.error());
    }
    if (::poll(&waiting, 1, 0) != 1) break;
  }
  return list_now();
}

Result<bool> Node::process_events_until(engine::Clock::time_point end) {
  const auto processed = process_rtnetlink_events(end);
  if (!processed) return processed;
  if (auto tables = process_nftables_events(); !tables) return tl::unexpected(tables.error());
  return *processed;
}

Result<void> Node::buffer_events() {
  const auto whole = netlink_events_.drain(
      [this](netlink::Observation&& told) { buffered_events_.push_back(std::move(told)); });
  if (!whole) return tl::unexpected(whole.error());
  rtnetlink_stale_ |= !*whole;
  return {};
}

Result<bool> Node::process_rtnetlink_events(engine::Clock::time_point end) {
  for (const netlink::Observation& told : buffered_events_) engine_.on_observation(told);
  buffered_events_.clear();
  buffered_events_.shrink_to_fit();
  const auto part = netlink_events_.drain_until(
      end, [this](netlink::Observation&& told) { engine_.on_observation(told); });
  if (!part) return tl::unexpected(part.error());
  engine::KernelView& view = engine_.kernel();
  if (auto asked = ask_links(view.take_links_to_ask()); !asked) {
    return tl::unexpected(asked.error());
  }
  if (view.take_sysctls_stale()) observe_sysctls();
  if (view.take_links_changed()) engine_.retry_now();
  const bool names_stale = view.take_names_stale();
  rtnetlink_stale_ |= part->lost || names_stale;
  routes_stale_ |= view.take_routes_stale();
  return !part->more;
}

void Node::note_touch(const nft::Event& event) {
  const auto element_of = [](const nft::ElementKey& key, std::string_view fate) {
    return fmt::format("an element of {} was {}", key.set.name, fate);
  };
  if (const auto* touched = std::get_if<nft::RulesetModified>(&event.what)) {
    touched_ = touched->words;
  } else if (const auto* added = std::get_if<nft::ElementAdded>(&event.what)) {
    touched_ = element_of(added->key, "added");
  } else if (const auto* removed = std::get_if<nft::ElementRemoved>(&event.what)) {
    touched_ = element_of(removed->key, "removed");
  }
}

void Node::on_event(nft::Event event) {
  const bool ours = event.port_id == own_.nftables;
  // The answer has told of them. Some come through the filter all the same, behind a message about
  // the ruleset in one datagram: the removal of an element that was changed, and not its addition.
  const bool is_echo = ours && (std::holds_alternative<nft::ElementAdded>(event.what) ||
                                std::holds_alternative<nft::ElementRemoved>(event.what));
  if (is_echo) return;
  if (!ours) note_touch(event);
  if (const auto* generation = std::get_if<nft::NewGeneration>(&event.what)) {
    generation_ = generation->id;
    if (!touched_.empty()) {
      foreign_change_ =
          fmt::format("{} by {} (pid {})", touched_, generation->process, generation->pid);
      touched_.clear();
    }
  }
  if (!engine_.on_event(std::move(event), ours)) nft_stale_ = true;
}

Result<void> Node::process_nftables_events() {
  const auto drained = nft_events_.drain([this](nft::Event event) { on_event(std::move(event)); });
  if (!drained) return tl::unexpected(drained.error());
  if (*drained == nft::Monitor::Drained::lost) nft_stale_ = true;
  return {};
}

}  // namespace novaplane::node
