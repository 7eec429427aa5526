#include "dataplane/engine/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace novaplane::engine {
namespace {

/// All that `sets_of`, a member of Subsystem, names.
template <class Member>
std::vector<nft::SetName> sets_of(const std::vector<const Subsystem*>& subsystems, Member sets_of) {
  std::vector<nft::SetName> sets;
  for (const Subsystem* subsystem : subsystems) {
    for (const nft::SetName& set : (subsystem->*sets_of)()) sets.push_back(set);
  }
  return sets;
}

}  // namespace

nft::SharedFrame frame_of(const std::vector<const Subsystem*>& subsystems, const Marks& marks) {
  nft::Frame frame;
  for (const Subsystem* subsystem : subsystems) frame.merge(subsystem->frame(marks));
  return std::make_shared<const nft::Frame>(std::move(frame));
}

Engine::Engine(std::string host, std::vector<const Subsystem*> subsystems, Questions questions)
    : compiler_(std::move(host), subsystems, tables_),
      view_(tables_, std::move(questions),
            {sets_of(subsystems, &Subsystem::sets_of_ports),
             sets_of(subsystems, &Subsystem::sets_of_wires)}),
      frame_(frame_of(subsystems, marks_)) {}

void Engine::load(cloud::Cloud cloud) {
  compiler_.load(std::move(cloud));
  view_.watch(compiler_.links_of_interest(), compiler_.tunnel_address(), compiler_.wires());
  wants_frame_ = true;
  place_marks();
  holds_.retry_now();
}

void Engine::place_marks() {
  const cloud::Host* host = compiler_.host();
  const Marks marks = host ? Marks(host->mark_mask) : Marks();
  if (std::exchange(marks_, marks) != marks) frame_ = frame_of(compiler_.subsystems(), marks);
}

void Engine::want_nothing() {
  compiler_.load({});
  view_.watch({});
  wants_frame_ = false;
}

// --- what is seen

void Engine::saw_element(const nft::ElementKey& key, nft::Element element) {
  tables_.elements.saw(key, std::move(element));
  view_.on_element(key);
}

void Engine::saw(nft::Observed listing) {
  tables_.elements.forget_actual();
  for (auto& [key, element] : listing.elements) saw_element(key, std::move(element));
  repair_ = std::move(listing.repair);
  frame_seen_ = listing.has_tables;
}

bool Engine::saw(nft::Event event, bool ours) {
  if (auto* added = std::get_if<nft::ElementAdded>(&event.what)) {
    saw_element(added->key, std::move(added->element));
  } else if (const auto* removed = std::get_if<nft::ElementRemoved>(&event.what)) {
    tables_.elements.gone(removed->key);
    view_.on_element(removed->key);
  } else if (std::holds_alternative<nft::FrameTouched>(event.what)) {
    return ours;
  }
  return true;
}

void Engine::saw(const SeenServices& seen) {
  tables_.services.forget_actual();
  tables_.entries.forget_actual();
  for (const auto& [key, service] : seen.services) tables_.services.saw(key, service);
  for (const auto& [key, entry] : seen.entries) tables_.entries.saw(key, entry);
}

void Engine::saw_sysctl(const SysctlKey& key, std::string value) {
  tables_.sysctls.saw(key, {std::move(value)});
}

bool Engine::learn_until(Clock::time_point end) {
  do {
    // What comes up in the midst of a compilation is a fact for the next one.
    if (!compiler_.is_compiling() && view_.take_facts_stale()) {
      learned_ |= compiler_.learn(view_.facts());
    }
    if (!compiler_.compile_until(end)) return false;
  } while (view_.are_facts_stale());
  if (!std::exchange(learned_, false)) return true;
  view_.mark_takeovers_stale();
  holds_.retry_now();  // an address that a route's gateway needs may be there now
  return true;
}

std::vector<SysctlKey> Engine::wanted_sysctls() const {
  std::vector<SysctlKey> keys;
  tables_.sysctls.rows().for_each([&](const SysctlKey& key, const Sysctl* wanted, auto*) {
    if (wanted) keys.push_back(key);
  });
  return keys;
}

namespace {

/// What a step that succeeded has made true.
struct Settle {
  Tables& tables;

  template <class Key, class Row>
  static void settle(Table<Key, Row>& table, const Change<Key, Row>& change) {
    if (change.after) {
      table.saw(change.key, *change.after);
    } else {
      table.gone(change.key);
    }
  }
  void operator()(LinkChange c) {
    if (c.after) {
      c.after->up = c.before && c.before->up;
      c.after->mtu = c.before ? c.before->mtu : 0;
    }
    settle(tables.links, c);
  }
  void operator()(const Raise& raise) {
    const Link* seen = tables.links.rows().actual(raise.link);
    if (!seen) return;
    Link raised = *seen;
    raised.up = true;
    raised.mtu = raise.mtu;
    tables.links.saw(raise.link, raised);
  }
  void operator()(const AttachmentChange& c) { settle(tables.attachments, c); }
  void operator()(const ShaperChange& c) { settle(tables.shapers, c); }
  void operator()(const TakeoverChange& c) { settle(tables.takeovers, c); }
  void operator()(const AddressChange& c) { settle(tables.addresses, c); }
  void operator()(const RouteChange& c) { settle(tables.routes, c); }
  void operator()(const RuleChange& c) { settle(tables.rules, c); }
  void operator()(const NeighbourChange& c) { settle(tables.neighbours, c); }
  void operator()(const ForwardingChange& c) { settle(tables.forwarding, c); }
  void operator()(const SysctlChange& c) { settle(tables.sysctls, c); }
  void operator()(const ElementChange& c) { settle(tables.elements, c); }
  void operator()(const ServiceChange& c) { settle(tables.services, c); }
  void operator()(const EntryChange& c) { settle(tables.entries, c); }
  template <class Act>
  void operator()(const Act&) {}
};

}  // namespace

void Engine::done(const Plan& plan, const std::vector<Result<void>>& results,
                  Clock::time_point now) {
  for (std::size_t i = plan.size(); i-- > 0;) {  // see DeltaTracker::saw
    const bool tried = results[i] || results[i].error().code != ECANCELED;
    if (tried) done(plan[i], results[i], now);
  }
}

void Engine::done(const Step& step, const Result<void>& result, Clock::time_point now) {
  if (!result) return holds_.failed(step.subject(*frame_), step.owner, result.error(), now);
  std::visit(Settle{tables_}, step.operation);
  if (const auto* again = std::get_if<Reannounce>(&step.operation)) announced(again->link, now);
  if (std::holds_alternative<FrameChange>(step.operation)) {
    repair_ = {};
    frame_seen_ = wants_frame_;
  }
  if (!holds_.empty()) holds_.succeeded(step.subject(*frame_));
}

std::map<Object, Status> Engine::status() const {
  std::map<Object, Status> found;
  const auto note = [&](const Object& object, State state, std::string reason) -> Status& {
    Status& status = found[object];
    status.state = std::max(status.state, state);
    status.reasons.push_back(std::move(reason));
    return status;
  };
  tables_.attachments.rows().for_each_parked([&](const AttachmentKey& name, const auto& claim) {
    note(*claim.owner, State::waiting, fmt::format("no link {} yet", name));
  });
  for (const auto& [object, reasons] : conflicts_) {
    for (const std::string& reason : reasons) note(object, State::failed, reason);
  }
  for (const auto& [object, errors] : compiler_.problems()) {
    for (const Error& error : errors) note(object, State::failed, error.message());
  }
  for (const auto& [subject, hold] : holds_.all()) {
    const Object object = hold.owner ? *hold.owner : Object{Kind::host, compiler_.host_name()};
    Status& status = note(object, State::failed, hold.error.message());
    if (!status.retry_at || hold.retry_at < *status.retry_at) status.retry_at = hold.retry_at;
  }
  return found;
}

}  // namespace novaplane::engine
