#pragma once

#include "tests/support/example.h"

namespace novaplane::test {

/// compute1 and compute2 share the gateway of blue; web1 runs on compute3.
class PairExample : public Example {
 public:
  PairExample() {
    network().gateway_mode = cloud::GatewayMode::failover;
    network().gateway_hosts = {"compute1", "compute2"};
    for (const std::string name : {"compute1", "compute2"}) {
      cloud::Host& host = cloud.hosts[name];
      host.uplinks[0].source = ip("198.51.100.50");
      host.tunnel_address = ip(name == "compute1" ? "192.0.2.1" : "192.0.2.2");
    }
    cloud.hosts["compute3"].name = "compute3";
    port().host = "compute3";
    port().hostname = "web1";
    facts.tunnel = engine::TunnelFacts{"eth9", 1500, true};
  }

  template <class Subsystem>
  engine::Rows rows_of(engine::ObjectKind kind, const std::string& name) const {
    return compile(Subsystem(), kind, name);
  }
};

}  // namespace novaplane::test
