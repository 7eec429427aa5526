#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/node/cut_off.h"
#include "dataplane/node/kernel_limits.h"
#include "dataplane/node/nic_warnings.h"
#include "dataplane/node/show.h"

namespace novaplane::node {

/// What the warnings need of the engine. Values: looking into others' tables may take long, and is
/// done where nobody waits for the engine.
struct Checks {
  std::uint16_t metadata_port = 0;  ///< of the server of metadata; 0: there is none
  std::uint32_t marks = 0;          ///< see mark_warning.h
  std::vector<MovedNic> nics;
  std::string run_dir;
  std::vector<std::string> unknown_ports;  ///< sentences
  Demand demand;
  std::vector<NewlyGuarded> newly_guarded;
  std::vector<std::string> unreachable_ports;  ///< sentences
};
Checks checks_of(const engine::Engine& engine, const std::string& run_dir);

/// All that the operator should know beside the tables, as sentences; and what was dropped.
void add_warnings(Show& show, const Checks& checks);

}  // namespace novaplane::node
