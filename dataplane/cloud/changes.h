#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/cloud/cloud.h"

namespace novaplane::cloud {

/// Which objects of two documents differ: what only one of both has, and what is not the same in
/// both. By name, in no order.
struct Changes {
  std::vector<std::string> hosts, networks, ports, port_forwards, security_groups;
  std::vector<IpAddress> floating_ips;
  bool ranges = false;  ///< no_snat, force_snat
  /// Places of the two documents cannot be compared: many objects stand in another order.
  bool order = false;

  /// Links and values of the host are wanted as before.
  bool are_public_only() const {
    return hosts.empty() && networks.empty() && ports.empty() && security_groups.empty() && !order;
  }
  bool empty() const { return size() == 0 && !ranges && !order; }
  std::size_t size() const {  ///< objects
    return hosts.size() + networks.size() + ports.size() + port_forwards.size() +
           floating_ips.size() + security_groups.size();
  }
};

/// Compares, and gives what both documents have the place in `after` that it has in `before`, so
/// that an object that comes changes no other. What comes stands between its neighbours. Takes time
/// with the size of the documents.
Changes compare(const Cloud& before, Cloud& after);

/// The same where the objects have their places already, as those of a store do.
Changes differences(const Cloud& before, const Cloud& after);

/// A document, shared by those who read it.
using SharedCloud = std::shared_ptr<const Cloud>;

/// The next version of a document, and how it differs from the one before. Without one before, or
/// where that is in force no more, all of it is new.
struct Edit {
  SharedCloud before, after;
  Changes changes;
};
Edit edit_of(SharedCloud before, Cloud after);

}  // namespace novaplane::cloud
