#pragma once

#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/engine/engine.h"

/// Guests that a document cuts off: those that have been free to use any address, and are about to
/// speak in their own name only; and those that nobody reaches.
namespace novaplane::node {

/// A port that gets port security by the plan.
struct NewlyGuarded {
  std::string port;
  int bridge = 0;  ///< its number
  Mac mac;
  std::vector<Prefix> addresses;  ///< its own, and its allowed pairs
  bool chooses = false;           ///< IPv6 addresses of its own choice pass
};
std::vector<NewlyGuarded> newly_guarded(const engine::Engine& engine);

/// Sentences: which addresses the host has seen them use that will be cut off. Asks the kernel in
/// the caller's network namespace.
std::vector<std::string> cut_off_warnings(const std::vector<NewlyGuarded>& guests);

/// Sentences: ports of this host whose security groups let nothing in.
std::vector<std::string> unreachable_ports(const engine::Engine& engine);

}  // namespace novaplane::node
