#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dataplane/engine/kinds/kind.h"

namespace novaplane::engine {

/// A program of ours that serves beside the kernel: "dhcp/blue" is dnsmasq on network blue,
/// "failover/keepalived" is what it says. Mark: a process of root's of the right executable, in
/// this network namespace, with our configuration file.
struct Service {
  std::string config;  ///< the text of its configuration file
  std::string device;  ///< the link that it serves; made again, the service starts again. Or empty
  std::vector<std::string> others = {};  ///< further ones
  bool operator==(const Service&) const = default;
};
using ServiceKey = std::string;
using ServiceChange = Change<ServiceKey, Service>;

struct SeenServices;

/// "dnsmasq", "keepalived".
std::string_view program_of(const ServiceKey& key);
/// For people: "dnsmasq dhcp/blue", "keepalived".
std::string title_of(const ServiceKey& key);

struct ServiceKind {
  using Key = ServiceKey;
  using Row = Service;
  static constexpr Noun kNoun{"program", "programs"};
  static constexpr Verbs kVerbs{"started", "stopped", "restarted"};
  static constexpr Phase kAdd = Phase::services, kRemove = Phase::services;
  static constexpr bool kListed = false;
  static Noun noun(const ServiceChange& c) { return {program_of(c.key), program_of(c.key)}; }
  static std::string subject(const ServiceKey& key) { return "service " + key; }
  static std::string what(const ServiceChange& change);
  static std::string difference(const Service& before, const Service& after);

  static const std::string& link_of(const ServiceKey&, const Service& s) { return s.device; }
  static void on(const SeenServices&, KernelView&, Tables&);
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);
};

}  // namespace novaplane::engine
