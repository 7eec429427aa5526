#pragma once

#include <string>
#include <string_view>

#include "dataplane/cloud/cloud.h"

/// A port is on a host, or on none; while its guest migrates another one gets ready for it.
namespace novaplane::cloud {

/// The host that has the guest first.
template <class Act>
void for_each_host(const Port& port, Act&& act) {
  if (!port.host.empty()) act(port.host);
  if (port.migrating_to && *port.migrating_to != port.host) act(*port.migrating_to);
}

inline bool is_on_or_migrates_to(const Port& port, std::string_view host) {
  return port.host == host || (port.migrating_to && *port.migrating_to == host);
}

}  // namespace novaplane::cloud
