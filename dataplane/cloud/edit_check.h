#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/cloud/checked_state.h"

namespace novaplane::cloud {

/// What a set of edits has put, or removed.
struct Touched {
  std::vector<ObjectName> names;
  std::set<std::string> with_routers;  ///< networks whose ports name other routers than before
  /// As they were before; null: there was none.
  std::map<std::string, const Host*> hosts;
  std::map<std::string, const Network*> networks;
  const MadeLinks* made_links = nullptr;  ///< before

  bool has_hosts_or_networks() const { return !hosts.empty() || !networks.empty(); }
};

/// Validates what edits can have broken in a cloud that was valid, in the order in which validate()
/// goes through all of it.
class CheckedCloud::EditCheck {
 public:
  EditCheck(const State& state, const Touched& touched, Findings& findings)
      : state_(state), touched_(touched), findings_(findings) {}

  void check();

 private:
  const Cloud& cloud() const { return state_.cloud(); }

  void sort();
  void add_dependents_of_ports();
  // --- of hosts and networks (edit_check_hosts.cc)
  void add_what_hosts_and_networks_concern();
  void add_ports_on(const std::set<std::string>& hosts);
  void add_ports_at_gateways(const Host& host);
  void add_public_addresses_of(const Host& host);
  void add_users_of_uplinks_that_went();
  void add_public_addresses_in_ranges();
  void check_hosts_and_networks();
  void check_made_links();
  void check_pairs_at_hosts();
  void check_twins(const Port& port);
  void check_port(const Port& port);
  /// Ports with pairs that contain what has come to be somebody's.
  void check_pairs_of_others(const Port& port);
  void check_routers(const std::string& network);
  void check_security_of(const std::vector<const Port*>& ports);
  void check_public();
  void check_groups_of(const Port& port);
  void check_removed_group(const std::string& name);
  void tell_same_number(const Port& port, const std::vector<std::string>& list);

  const State& state_;
  const Touched& touched_;
  Findings& findings_;
  std::vector<const Port*> ports_;      ///< edited ones and those that are concerned
  std::set<std::string> concerned_;     ///< their names, and those of ports that were removed
  std::set<std::string> edited_ports_;  ///< likewise, without those that are concerned only
  std::set<std::string> secured_;       ///< whose pairs were checked for another reason
  std::set<IpAddress> floating_ips_;
  std::set<std::string> forwards_, groups_;
  bool ranges_ = false, pools_ = false;
  std::set<Path> told_;
  std::set<const Host*> told_hosts_;
};

}  // namespace novaplane::cloud
