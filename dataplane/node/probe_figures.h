#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "hwgw/prober/watcher.h"

namespace novaplane::node {

/// What probes have told of an uplink or a router, for people and programs.
struct ProbeFigures {
  std::chrono::system_clock::time_point since{};
  std::string reason;                ///< of the latest change; empty: there was none
  std::uint32_t loss = 0;            ///< per cent of the latest probes
  std::chrono::microseconds rtt{0};  ///< 0: not known
  std::uint32_t switches = 0;        ///< between alive and dead
};

ProbeFigures figures_of(const hwgw::TargetStatus& status);

}  // namespace novaplane::node
