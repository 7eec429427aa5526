#pragma once

#include "dataplane/engine/subsystem.h"

namespace novaplane::dhcp {

/// DHCP and DNS for guests: one dnsmasq per network. It leases addresses to the ports of this host
/// only, and knows the names of all ports of the network. With IPv6 a second one advertises the
/// host as router and leases IPv6 addresses.
/// How its rows are called: entries.h.
class Dhcp : public engine::Subsystem {
 public:
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
};

}  // namespace novaplane::dhcp
