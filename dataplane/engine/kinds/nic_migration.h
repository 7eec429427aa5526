#pragma once

#include <string>
#include <vector>

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

  static void before_plan(Planning&);  ///< asks what NICs carry, where that may have changed
  static std::optional<Phase> place(Planning&, const NicMigrationKey&, const NicMigration* wanted,
                                    const Owner&);
  static void after_rows(Planning&, std::size_t first);  ///< finds NICs that have to wait
};

}  // namespace novaplane::engine
