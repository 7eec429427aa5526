#pragma once

#include <memory>
#include <string>

#include "dataplane/node/node.h"
#include "dhcp/dnsmasq_driver.h"
#include "tools/options.h"

namespace novaplane::tools {

/// An error says what to type instead.
Result<void> require_root(const Options& options);

/// This host, with open eyes.
struct Session {
  std::unique_ptr<node::Node> node;
  dhcp::DnsmasqDriver services;

  static Result<Session> open(const Options& options);

  engine::Engine& engine() { return node->engine(); }
  /// Lists the kernel and what dnsmasq runs.
  Result<void> observe();
};

}  // namespace novaplane::tools
