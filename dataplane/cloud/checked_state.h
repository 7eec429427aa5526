#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/cloud/checked_cloud.h"
#include "dataplane/cloud/group_index.h"
#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/port_index.h"
#include "dataplane/cloud/public_index.h"

namespace novaplane::cloud {

/// The cloud with its indexes, which follow each exchange of an object. Whether it is valid is
/// somebody else's question.
struct CheckedCloud::State {
  Draft draft;
  PortIndex ports;
  PublicIndex publics;
  GroupIndex groups;
  /// Of hosts and networks, made again when one of them has changed.
  PublicHolders holders;
  MadeLinks made_links;
  std::array<std::uint64_t, std::variant_size_v<AnyObject>> last_places{};  ///< by kind

  Cloud& cloud() { return draft.cloud; }
  const Cloud& cloud() const { return draft.cloud; }

  /// Of a cloud that was read as a whole.
  void index_all();
  void index_hosts_and_networks();

  std::optional<AnyObject> find(const ObjectName& name) const;
  /// Puts the object, or removes what is there; what was there before is the answer.
  std::optional<AnyObject> exchange(const ObjectName& name, std::optional<AnyObject> object);
  /// An object without a place gets that which it has, or one behind all others.
  void place(AnyObject& object);

 private:
  template <class Objects, class Key>
  std::optional<AnyObject> exchange_in(Objects& objects, const Key& key,
                                       std::optional<AnyObject> object);
  std::optional<AnyObject> exchange_ranges(std::optional<AnyObject> object);
  std::optional<AnyObject> exchange_network(const std::string& name,
                                            std::optional<AnyObject> object);
  void index(const Port& port);
  void unindex(const Port& port);
  void index(const FloatingIp& ip) { publics.insert(ip); }
  void unindex(const FloatingIp& ip) { publics.erase(ip); }
  void index(const PortForward& forward) { publics.insert(forward); }
  void unindex(const PortForward& forward) { publics.erase(forward); }
  void index(const SecurityGroup& group) { groups.insert(group); }
  void unindex(const SecurityGroup& group) { groups.erase(group); }
  template <class Object>
  void index(const Object&) {}
  template <class Object>
  void unindex(const Object&) {}
};

}  // namespace novaplane::cloud
