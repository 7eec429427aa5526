#pragma once

#include <string>
#include <vector>

#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// What a host's network is made of, as sorted lines without what changes by itself (ages,
/// counters, learned neighbours).
class Snapshot {
 public:
  explicit Snapshot(const Namespace& where);

  /// Lines that stand in one only, with - and +; empty: the same.
  static std::string difference(const Snapshot& before, const Snapshot& after);
  bool operator==(const Snapshot&) const = default;

 private:
  std::vector<std::string> lines_;
};

}  // namespace novaplane::netns
