#include "hwgw/prober/watched.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <functional>

namespace novaplane::hwgw {
namespace {

/// How long a router makes sure of its address at most (RFC 5227, 1.1: 9 s).
constexpr std::chrono::seconds kItTakes{10};

HealthCheckSettings settings_of(const Target& target) {
  HealthCheckSettings settings = target.health;
  if (!target.next_hop) settings.probes = false;
  return settings;
}

/// Hosts that start together do not ask in step.
std::uint32_t seed_of(const Target& target, Clock::time_point now) {
  const auto mixed = std::hash<std::string>{}(target.name) ^
                     static_cast<std::size_t>(now.time_since_epoch().count());
  return static_cast<std::uint32_t>(mixed % 0x7ffffffe) + 1;
}

}  // namespace

Watched::Watched(Target target, Health state, Clock::time_point now)
    : target_(std::move(target)),
      health_(settings_of(target_), state, now, seed_of(target_, now)),
      told_state_(state),
      since_(std::chrono::system_clock::now()) {}

void Watched::inherit(const Watched& before) {
  mac_ = before.mac_;
  back_ = before.back_;
  told_ = before.told_;
  told_state_ = before.told_state_;
  told_mac_ = before.told_mac_;
  since_ = before.since_;
}

bool Watched::on_link(const netlink::Link* link, Clock::time_point now) {
  if (!link) {
    const bool had_socket = prober_.has_value();
    prober_.reset();
    link_ = 0;
    health_.carrier(false, now, "there is no " + target_.interface);
    return had_socket;
  }
  const bool is_other = link->index != link_ || link->mac != own_mac_;
  const bool reopened = (is_other || !prober_) && target_.next_hop && open(*link);
  link_ = link->index;
  own_mac_ = link->mac;
  const bool works = link->up && link->carrier;
  health_.carrier(works, now,
                  fmt::format("{} {}", target_.interface, link->up ? "has no carrier" : "is down"));
  return reopened;
}

bool Watched::open(const netlink::Link& link) {
  const Prober::Options options{*target_.next_hop, target_.all_protocols, !target_.beyond.empty()};
  prober_.reset();
  auto prober = Prober::open(link.index, options);
  trouble_ = prober ? "" : prober.error().message();
  if (prober) prober_ = std::move(*prober);
  return true;
}

void Watched::process_events(Clock::time_point now) {
  while (prober_) {
    const auto answer = prober_->receive();
    if (!answer || !*answer) return;  // that the link went down is told once
    const bool is_arp = (*answer)->kind == Prober::Answer::Kind::arp;
    heard_ = now;
    if ((*answer)->kind == Prober::Answer::Kind::said) {
      if (health_.state() != Health::dead) mac_ = (*answer)->mac;
      continue;
    }
    if (is_arp) {
      if (health_.state() == Health::dead) back_ = now;
      mac_ = (*answer)->mac;
      next_hop_answers_ = true;
      if (target_.beyond.empty()) health_.answered(now);
      continue;
    }
    const auto& beyond = target_.beyond;
    if (std::find(beyond.begin(), beyond.end(), (*answer)->from) == beyond.end()) continue;
    next_hop_answers_ = false;
    health_.answered(now);
  }
}

void Watched::due(Clock::time_point now) {
  if (health_.due(now)) probe(now);
}

/// Without a sender that can be told, only an ARP probe is left, and one that comes while a router
/// makes sure of its address makes it give the address up. So it is left alone for as long as that
/// takes, unless it has told of itself.
bool Watched::has_to_wait(Clock::time_point now) const {
  return target_.is_router && target_.sender.is_unspecified() && heard_ <= asked_ &&
         now < asked_ + kItTakes && health_.state() == Health::dead;
}

/// A router whose kernel has the address already answers while its configuration still asks whether
/// anybody else has it.
bool Watched::makes_sure_of_its_address(Clock::time_point now) const {
  return back_ != Clock::time_point{} && now < back_ + kItTakes;
}

/// Who answered last is asked alone, so that a large network is not woken by each host's probes;
/// when it does not answer, all are asked: the address may have another MAC now.
void Watched::probe(Clock::time_point now) {
  if (!prober_ || has_to_wait(now)) return;
  const bool asks_all = !mac_ || health_.doubts() || health_.state() == Health::dead;
  if (asks_all) asked_ = now;
  const bool leaves_no_trace = target_.is_router && !asks_all && !makes_sure_of_its_address(now);
  const IpAddress sender = leaves_no_trace ? IpAddress() : target_.sender;
  auto sent = prober_->ask(sender, asks_all ? std::nullopt : mac_);
  for (const IpAddress& beyond : target_.beyond) {
    if (!sent || !mac_ || target_.sender.is_unspecified()) break;
    sent = prober_->echo(beyond, target_.sender, *mac_);
  }
  trouble_ = sent ? "" : sent.error().message();
}

std::string Watched::reason() const {
  std::string reason = health_.reason();
  if (health_.state() != Health::dead || !health_.has_carrier() || reason.empty()) return reason;
  if (target_.beyond.empty()) {
    reason += fmt::format(" from {}", target_.next_hop.value_or(IpAddress()));
  } else {
    reason += fmt::format(" from {} beyond {}, which {}", fmt::join(target_.beyond, ", "),
                          target_.next_hop.value_or(IpAddress()),
                          next_hop_answers_ ? "answers" : "does not answer either");
  }
  return trouble_.empty() ? reason : reason + ": " + trouble_;
}

TargetStatus Watched::status() const {
  return {target_.name,   health_.state(), reason(),          since_,
          health_.loss(), health_.rtt(),   health_.changes(), mac_};
}

std::optional<TargetStatus> Watched::take_news() {
  const Health state = health_.state();
  const bool is_known = state != told_state_ || health_.rtt().count() > 0 || !target_.next_hop;
  if (told_ && state == told_state_ && mac_ == told_mac_) return std::nullopt;
  if (!told_ && !is_known) return std::nullopt;
  if (state != told_state_) since_ = std::chrono::system_clock::now();
  told_ = true;
  told_state_ = state;
  told_mac_ = mac_;
  return status();
}

}  // namespace novaplane::hwgw
