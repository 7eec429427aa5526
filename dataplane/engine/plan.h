#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "dataplane/engine/phase.h"
#include "dataplane/engine/rows.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::engine {

/// The static nf_tables are missing or not as they must be: what of them, in words.
struct RulesetChange {
  static constexpr Phase kPhase = Phase::nftables;
  std::string what;  ///< "write table inet novaplane"
  std::string why;   ///< "set managed is missing"
  bool operator==(const RulesetChange&) const = default;
};

/// What stands on a link is announced again: others know it by a MAC that it has no more, or behind
/// another port of their switch.
struct Reannounce {
  std::string link;
  std::string why;  ///< "its MAC was 02:00:00:00:00:01"
  std::vector<Announce> announcements;
  bool operator==(const Reannounce&) const = default;
};

/// What a step failed with (ESTALE) that was not tried, since the plan rests on what is not so any
/// more: plan again.
constexpr int kPlanAgain = ESTALE;

/// A change of one row, of whatever kind, or an act.
#define NOVAPLANE_CHANGE(name, K) ChangeOf<K>,
#define NOVAPLANE_ACT(Act) Act,
using Operation =
    std::variant<RulesetChange,
                 NOVAPLANE_KINDS(NOVAPLANE_CHANGE) NOVAPLANE_ACTS(NOVAPLANE_ACT) Announce,
                 Reannounce, ForgetFlows>;
#undef NOVAPLANE_ACT
#undef NOVAPLANE_CHANGE

struct Step {
  Phase phase;
  Operation operation;
  Owner owner;

  // The ruleset tells what the bytes of an element mean.
  /// "add route 203.0.113.10/32 table local local dev lo"
  std::string what(const nft::Ruleset&) const;
  std::string why() const;  ///< "floating IP 203.0.113.10: missing"
  /// "route 203.0.113.10/32": the same for every change of one row.
  std::string subject(const nft::Ruleset&) const;
};

/// Steps in the order in which they are applied.
using Plan = std::vector<Step>;

/// Within each phase by object and subject, so that two plans of one difference read alike.
void sort_for_reading(Plan& plan, const nft::Ruleset&);

}  // namespace novaplane::engine
