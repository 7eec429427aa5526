#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/engine/host/originals.h"
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

/// As it was read.
struct SeenSysctl {
  SysctlKey name;
  std::string value;
};

struct SysctlKind {
  using Key = SysctlKey;
  using Row = Sysctl;
  static constexpr Noun kNoun{"sysctl", "sysctls"};
  static constexpr Verbs kVerbs{"set", "set", "set"};
  /// What was found is put back by `down` only, from the record of it.
  static constexpr Phase kAdd = Phase::sysctls;
  static constexpr bool kListed = false;
  static std::string subject(const SysctlKey& key) { return "sysctl " + key; }
  static std::string text(const SysctlKey&, const Sysctl& sysctl) { return "= " + sysctl.value; }
  static std::string difference(const Sysctl& before, const Sysctl& after);

  static std::optional<Phase> place(Planning&, const SysctlKey&, const Sysctl* wanted,
                                    const Owner&);

  static void on(SeenSysctl&, KernelView&, Tables&);
  static void to_read(const Tables&, std::vector<std::string>& names);

  static void write_all(ApplyContext&, const Work&);
  static constexpr Runner kRunners[] = {{Phase::sysctls, write_all}};
  static constexpr std::string_view kOriginals[] = {"sysctl"};
  static bool is_given_back_first(std::string_view subject);
  static Result<void> give_back(ApplyContext&, std::string_view what, const std::string& name,
                                const Originals::Value& value);
  static void give_back_forwarding(ApplyContext&);  ///< before the rules go that keep it to guests
};

}  // namespace novaplane::engine
