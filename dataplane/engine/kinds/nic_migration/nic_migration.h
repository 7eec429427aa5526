#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"

namespace novaplane::engine {

/// The IP configuration that the host has on a NIC (addresses, routes, static neighbours) when the
/// NIC is a port of ours: it stands on `holder`. By the NIC's name. Foreign things, so they carry
/// no mark: of a bridge they are all that is not ours, and <run-dir>/nics records them.
struct NicMigration {
  std::string holder;  ///< wanted: the bridge; seen: where it is; empty: only in the record
  std::vector<std::string> things = {};  ///< seen, where they have to move: "192.0.2.11/24"
  bool operator==(const NicMigration&) const = default;
};
using NicMigrationKey = std::string;
using NicMigrationChange = Change<NicMigrationKey, NicMigration>;

struct NicMigrationKind {
  using Key = NicMigrationKey;
  using Row = NicMigration;
  static constexpr Noun kNoun{"NIC's addresses and routes", "NICs' addresses and routes"};
  static constexpr Verbs kVerbs{"moved", "moved", "moved"};
  static constexpr Phase kAdd = Phase::attach, kRemove = Phase::detach;
  static constexpr bool kListed = false;
  static std::string subject(const NicMigrationKey& nic) {
    return "addresses and routes of " + nic;
  }
  static std::string what(const NicMigrationChange& change);
  static std::string reason(const NicMigrationChange& change);

  static bool rests_on_ip_config(const std::string& link, const Tables&);
  /// NICs on which things have come up lately.
  struct PlanState {
    using Clock = std::chrono::steady_clock;
    struct Unrest {
      std::vector<std::string> things;
      Clock::time_point until;
    };
    std::map<NicMigrationKey, Unrest> unrest;
  };
  static std::optional<PlanState::Clock::time_point> next_retry(const PlanState&);
  static void before_plan(Planning&);  ///< asks what NICs carry, where that may have changed
  static std::optional<Phase> place(Planning&, const NicMigrationKey&, const NicMigration* wanted,
                                    const Owner&);
  static void after_rows(Planning&, std::size_t first);  ///< finds NICs that have to wait
  static void after_plan(Planning&);                     ///< forgets which NICs had to

  struct ApplyState {
    std::unordered_set<std::string> still_carrying;  ///< bridges: giving back has failed
  };
  static constexpr bool kMovesIpConfig = true;
  static void begin(ApplyContext&);  ///< records follow NICs that were renamed
  /// All of the phase, each with its port's step. Returns the NICs whose joining or leaving is
  /// done, or has failed, with that.
  static std::unordered_set<std::string> migrate_all(ApplyContext&, const Work&);
  static void forget_old_records(ApplyContext&, std::vector<Error>& failed);
};

}  // namespace novaplane::engine
