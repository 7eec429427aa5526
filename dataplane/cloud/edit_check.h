#pragma once

#include <set>
#include <string>
#include <vector>

#include "dataplane/cloud/checked_state.h"

namespace novaplane::cloud {

/// Validates what edits of ports, public addresses, groups, ranges and pools can have broken in a
/// cloud that was valid, in the order in which validate() goes through all of it.
class CheckedCloud::EditCheck {
 public:
  EditCheck(const State& state, Findings& findings) : state_(state), findings_(findings) {}

  /// `with_routers`: networks whose ports name other routers than before.
  void check(const std::vector<ObjectName>& touched, const std::set<std::string>& with_routers);

 private:
  const Cloud& cloud() const { return state_.cloud(); }

  void sort(const std::vector<ObjectName>& touched);
  void check_twins(const Port& port);
  void check_port(const Port& port);
  /// Ports with pairs that contain what has come to be somebody's.
  void check_pairs_of_others(const Port& port);
  void check_routers(const std::string& network);
  void check_public();
  void check_groups_of(const Port& port);
  void check_removed_group(const std::string& name);
  void tell_same_number(const Port& port, const std::vector<std::string>& list);

  const State& state_;
  Findings& findings_;
  std::vector<const Port*> ports_;
  std::set<std::string> touched_ports_;  ///< also those that were removed
  std::set<IpAddress> floating_ips_;
  std::set<std::string> forwards_, groups_;
  bool ranges_ = false, pools_ = false;
  std::set<Path> told_;
  std::set<const Host*> told_hosts_;
};

}  // namespace novaplane::cloud
