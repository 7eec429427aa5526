#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// Hears every change of links, addresses, routes, rules, permanent neighbours, static forwarding
/// entries and nf_tables in a namespace. What the kernel does by itself (carrier, ARP states,
/// counters) is not told.
class Events {
 public:
  explicit Events(const Namespace& where);
  std::vector<std::string> take();  ///< one line for each since the last call

 private:
  std::string describe_link(const nlmsghdr& message);

  const Namespace& where_;
  std::map<int, std::string> links_;  ///< number -> what can be written of it
  Fd route_, nftables_;
};

/// Waits for a moment of somebody's work, not of the clock: until so many changes more were heard.
/// False: it `ended` before.
bool await_changes(Events& events, std::size_t changes, const std::function<bool()>& ended);

/// What was written while `act` ran; empty when nothing was.
std::vector<std::string> written_during(const Namespace& where, const std::function<void()>& act);

}  // namespace novaplane::netns
