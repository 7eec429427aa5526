#pragma once

#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// Where a MAC is: by a bridge's own table behind which port, by a VXLAN device's at which tunnel
/// address. Static; nothing is learned there. No mark: entries of our VXLAN devices, and our
/// bridges' about such a device as a port, are ours.
struct ForwardingKey {
  std::string link;      ///< the bridge or the VXLAN device
  Mac mac;               ///< 0: where the device sends broadcasts, one entry for each destination
  IpAddress flood = {};  ///< that destination; else unspecified
  bool operator==(const ForwardingKey&) const = default;
};
struct Forwarding {
  std::string port;                           ///< of the bridge
  std::optional<IpAddress> destination = {};  ///< of the VXLAN device
  bool sticky = false;  ///< of the bridge: a frame that comes in elsewhere does not move it
  bool operator==(const Forwarding&) const = default;
};
using ForwardingChange = Change<ForwardingKey, Forwarding>;

struct ForwardingKind {
  using Key = ForwardingKey;
  using Row = Forwarding;
  static constexpr Noun kNoun{"forwarding entry", "forwarding entries"};
  static constexpr Phase kAdd = Phase::routes, kRemove = Phase::withdraw;
  static std::string subject(const ForwardingKey& key);
  static std::string what(const ForwardingChange& change);
  static std::string difference(const Forwarding& before, const Forwarding& after);

  static std::optional<Phase> place(Planning&, const ForwardingKey&, const Forwarding* wanted,
                                    const Owner&);
  static Result<void> add(const ForwardingChange&, Requests&);
  static Result<void> remove(const ForwardingChange&, Requests&);
  static void on(const netlink::Seen<netlink::ForwardingEntry>&, const KernelView&, Tables&);
  static void on(const netlink::Gone<netlink::ForwardingEntry>&, const KernelView&, Tables&);
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::ForwardingKey> {
  std::size_t operator()(const novaplane::engine::ForwardingKey& k) const {
    return novaplane::hash_of(k.link, k.mac, k.flood);
  }
};
