#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/cloud/cloud.h"

namespace novaplane::cloud {

/// Floating IPs and port forwards by the ports that they lead to, and forwards by what they take.
/// An object must not change while it is in here.
class PublicIndex {
 public:
  void insert(const FloatingIp& ip) { floating_ips_.insert(&ip); }
  void erase(const FloatingIp& ip) { floating_ips_.erase(&ip); }
  void insert(const PortForward& forward);
  void erase(const PortForward& forward);

  std::vector<const FloatingIp*> floating_ips_of(std::string_view port) const;
  std::vector<const PortForward*> forwards_of(std::string_view port) const;
  std::vector<const PortForward*> forwards_at(const IpAddress& address) const;
  /// Another forward of the same address and protocol that takes one of its ports; null: none does.
  const PortForward* overlapping(const PortForward& forward) const;

 private:
  struct FloatingByPort {
    using is_transparent = void;
    bool operator()(const FloatingIp* a, const FloatingIp* b) const {
      return std::tie(a->port, a->address) < std::tie(b->port, b->address);
    }
    bool operator()(const FloatingIp* a, std::string_view port) const { return a->port < port; }
    bool operator()(std::string_view port, const FloatingIp* a) const { return port < a->port; }
  };
  struct ForwardByPort {
    using is_transparent = void;
    bool operator()(const PortForward* a, const PortForward* b) const {
      return std::tie(a->to_port, a->name) < std::tie(b->to_port, b->name);
    }
    bool operator()(const PortForward* a, std::string_view port) const { return a->to_port < port; }
    bool operator()(std::string_view port, const PortForward* a) const { return port < a->to_port; }
  };
  struct ForwardByTarget {
    using is_transparent = void;
    bool operator()(const PortForward* a, const PortForward* b) const {
      return std::tie(a->address, a->protocol, a->port.first, a->name) <
             std::tie(b->address, b->protocol, b->port.first, b->name);
    }
    bool operator()(const PortForward* a, const IpAddress& b) const { return a->address < b; }
    bool operator()(const IpAddress& a, const PortForward* b) const { return a < b->address; }
  };

  std::set<const FloatingIp*, FloatingByPort> floating_ips_;  ///< also those of no port
  std::set<const PortForward*, ForwardByPort> forwards_;
  std::set<const PortForward*, ForwardByTarget> targets_;
};

}  // namespace novaplane::cloud
