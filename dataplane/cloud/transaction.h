#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/cloud/checked_state.h"

namespace novaplane::cloud {

/// Edits that are in the cloud, until they are kept or taken back. Not valid by itself.
class CheckedCloud::Transaction {
 public:
  Transaction(State& state, std::vector<ObjectEdit> edits);

  /// Finds what is wrong with the cloud as it now is, by what the edits touch.
  void validate(Findings& findings) const;
  void take_back();
  Changes changes() const;
  /// As they were put.
  std::vector<ObjectEdit> edits() const;

 private:
  struct Done {
    ObjectName name;
    std::optional<AnyObject> before;
    bool is_implied = false;  ///< nobody has asked for it, it follows
  };

  // --- what the edits do
  void note_derived_addresses(const std::vector<ObjectEdit>& edits);
  void put(const ObjectName& name, std::optional<AnyObject> object, bool is_implied = false);
  void put_all(std::vector<ObjectEdit>& edits, bool of_hosts_and_networks);
  void derive_addresses();
  void derive_routers();
  void derive_routers(const std::string& network);
  bool touches_hosts_or_networks() const;

  State& state_;
  const std::array<std::uint64_t, std::variant_size_v<AnyObject>> last_places_;
  MadeLinks made_links_;  ///< before, where hosts or networks are edited
  std::vector<Done> done_;
  std::set<std::string> derives_;  ///< edited ports whose address6 follows from their network
  std::map<std::string, std::set<IpAddress>> routers_before_;  ///< of networks
};

}  // namespace novaplane::cloud
