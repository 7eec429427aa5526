#pragma once

#include <optional>
#include <string>

#include "dataplane/engine/kinds/kind.h"

namespace novaplane::engine {

/// A value below /proc/sys that is not part of a link of ours: "net/ipv4/ip_forward". No mark:
/// <run-dir>/originals records what was found before.
struct Sysctl {
  std::string value;
  bool operator==(const Sysctl&) const = default;
};
using SysctlKey = std::string;
using SysctlChange = Change<SysctlKey, Sysctl>;

struct SysctlKind {
  using Key = SysctlKey;
  using Row = Sysctl;
  static constexpr Noun kNoun{"sysctl", "sysctls"};
  static constexpr Verbs kVerbs{"set", "set", "set"};
  /// What was found is put back by `down` only, from the record of it.
  static constexpr Phase kAdd = Phase::sysctls, kRemove = Phase::sysctls;
  static constexpr bool kListed = false;
  static std::string subject(const SysctlKey& key) { return "sysctl " + key; }
  static std::string text(const SysctlKey&, const Sysctl& sysctl) { return "= " + sysctl.value; }
  static std::string difference(const Sysctl& before, const Sysctl& after);

  static std::optional<Phase> place(Planning&, const SysctlKey&, const Sysctl* wanted,
                                    const Owner&);
};

}  // namespace novaplane::engine
