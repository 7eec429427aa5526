#pragma once

#include <string>
#include <vector>

#include "tests/netns/world/world.h"

/// What another version of novaplane left on a host, as a folder of small text files:
///
///   links          `ip -batch`: links made, and what was set of those that were there
///   links-up       `ip -batch`: those that were raised, once sysctls are set
///   rtnetlink      lines of recorded_messages.h: "- " what went, "+ " what came
///   nftables       lines of recorded_messages.h
///   sysctls        "net/ipv4/ip_forward = 1"
///   processes      command lines of dnsmasq
///   run/           the run directory
///
/// @RUN@ stands for the run directory's path, @dnsmasq-LINK@ for the name of a configuration of
/// dnsmasq's, which has the text's digest and the link's number in it.
namespace novaplane::netns {

/// A host before novaplane.
class Before {
 public:
  explicit Before(const Host& host);

  /// Compares with the host as it is now; dnsmasq still runs.
  void record(const std::string& folder) const;

 private:
  const Host& host_;
  std::vector<std::string> links_, rtnetlink_, sysctls_;
};

/// Makes a host what it was then, and starts its programs. The same links are there, with the same
/// MACs, and the same guests.
void restore(const Host& host, const std::string& folder);

}  // namespace novaplane::netns
