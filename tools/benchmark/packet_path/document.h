#pragma once

#include <string>

namespace novaplane::bench {

/// An address of either family.
struct Addresses {
  std::string v4, v6;
  const std::string& of(bool ipv6) const { return ipv6 ? v6 : v4; }
};

/// Of every world (world.h): guests a, b and c, a's floating IP, the world, the host's uplink.
inline const Addresses kFixedA{"10.0.0.11", "2001:db8:1::11"},
    kFixedB{"10.0.0.12", "2001:db8:1::12"}, kFixedC{"10.0.0.21", "2001:db8:1::21"},
    kFloating{"203.0.113.10", "2001:db8:f::10"}, kWorld{"192.0.2.1", "2001:db8:ff::1"},
    kUplinkSource{"192.0.2.11", "2001:db8:ff::11"}, kGateway{"10.0.0.1", "2001:db8:1::1"};
inline constexpr const char* kRouter = "10.0.0.254";  ///< where blue is behind an outside router

/// The MAC of the guest with that fixed address.
std::string guest_mac(const Addresses& fixed);

/// What carries network blue between the hosts.
enum class Carrier { kFlat, kVlan, kVxlan };

/// What a document has beyond one network, blue, with two guests on host compute1: `a` with a
/// floating IP, `b` without one.
struct DocumentShape {
  unsigned floating_ips = 1;  ///< 1 or more: the others are spread over up to 10,000 more ports
  bool second_host = false;   ///< compute2 with guest `c` on blue
  Carrier carrier = Carrier::kFlat;
  bool ipv6 = false;           ///< of blue, and a floating IPv6
  bool rates = false;          ///< of port a and its floating IP, far above what is measured
  bool behind_router = false;  ///< blue's gateway is a router outside of the hosts
  bool unguarded = false;      ///< ports of blue without port security
  bool groups = false;         ///< ports of blue have a security group; all may leave
  bool egress = false;         ///< likewise, and its rules limit what leaves
  /// Networks, ports and uplinks that no measured packet has to do with.
  struct {
    bool vxlan = false, router = false, uplink = false, rates = false, ipv6 = false, groups = false;
  } also = {};
};

/// The fixed and the floating address of floating IP number `i`, which are not the measured one's.
/// From 10,000 on, several have the same fixed address.
std::string other_fixed(unsigned i);
std::string other_floating(unsigned i);

std::string document(const DocumentShape& shape);

}  // namespace novaplane::bench
