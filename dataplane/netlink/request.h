#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "dataplane/base/error.h"
#include "dataplane/netlink/messages.h"

struct nl_msg;
struct nlmsghdr;

namespace novaplane::netlink {

/// One rtnetlink message, ready to send. Move-only: it owns libnl's buffer, which is as large as
/// the message needs and no larger.
class Request {
 public:
  /// Starts a message with room for `room` bytes of headers and attributes. For builders.
  Request(std::uint16_t type, std::uint16_t flags, std::size_t room);

  /// For builders: the message cannot say what it should, so it must not be sent. The first reason
  /// stays.
  void refuse(int code, std::string why);
  /// Why Socket sends nothing of it; null: it is whole.
  const Error* refusal() const { return refusal_.get(); }

  nl_msg* message() const { return message_.get(); }
  nlmsghdr& header() const;  ///< Socket stamps the sequence; all other bytes stay as built

 private:
  struct Free {
    void operator()(nl_msg* message) const;
  };
  std::unique_ptr<nl_msg, Free> message_;
  std::unique_ptr<Error> refusal_;
};

/// What is to change of a link; what is not set stays as it is. The kernel applies them in the
/// order: MAC, MTU, group, alias, master, up or down, IPv4 values (net/core/rtnetlink.c,
/// do_setlink), and keeps what it had applied when a later one fails.
struct LinkSettings {
  std::optional<Mac> mac{};
  std::optional<std::uint32_t> mtu{};
  std::optional<bool> up{};
  std::optional<int> master{};  ///< 0: none
  std::optional<std::uint32_t> group{};
  std::optional<std::string> alias{};  ///< empty: none
  std::optional<bool> route_localnet{};
  std::optional<bool> forwarding4{};  ///< net.ipv4.conf.<name>.forwarding
  std::optional<bool> stp{};          ///< bridges only
  /// Bridges only, in hundredths of a second. ERANGE below 200 while STP is on, also in the request
  /// that turns it off.
  std::optional<std::uint32_t> forward_delay{};
  /// Bridges only: who sends to 01:80:c2:00:00:0x is learned from, before any hook.
  std::optional<bool> linklocal_learn{};
  std::optional<PortFlags> port_flags{};  ///< bridge ports only; applied before all others
  std::optional<bool> hairpin{};          ///< likewise: IFLA_BRPORT_MODE
  std::optional<IpAddress> local{};       ///< VXLAN devices only; of the family that it has
  std::optional<bool> learning{};         ///< VXLAN devices only
};

/// A bridge of ours: down, no STP, no forward delay, no linklocal_learn, its MAC pinned, in
/// kOurGroup. EEXIST when the name is taken. The kernel ignores an alias here: set it with
/// set_link, in the same send.
Request create_bridge(std::string_view name, const Mac& mac);
/// A VLAN device of ours (802.1Q) on the link number `parent`: down, in kOurGroup. EEXIST when the
/// name or the VLAN is taken, EOPNOTSUPP when the kernel has no 802.1Q.
Request create_vlan(std::string_view name, const Mac& mac, int parent, std::uint16_t id);
/// A VXLAN device of ours from `local` on: down, in kOurGroup, without learning. It shares one UDP
/// socket with all others of its port. EEXIST when the name or the VNI is taken.
Request create_vxlan(std::string_view name, const Mac& mac, std::uint32_t vni,
                     const IpAddress& local, std::uint16_t udp_port);
Request set_link(int index, const LinkSettings& settings);
Request set_link(std::string_view name, const LinkSettings& settings);
Request delete_link(int index);
Request delete_link(std::string_view name);
/// Deletes all links of the group, or none (when one of them cannot be deleted).
Request delete_group(std::uint32_t group);

/// Values without a protocol are added as ours (kOurProtocol). EEXIST when the link has the
/// address.
Request add_address(const Address& address);
/// The kernel finds an address by link and prefix; its protocol is not compared.
Request delete_address(const Address& address);

enum class RouteHow : std::uint8_t {
  create,   ///< EEXIST when there is a route to the destination (and metric) in the table
  append,   ///< beside routes to the same destination; EEXIST when it is there exactly
  replace,  ///< instead of the first one to the same destination and metric, whoever set it
};
Request add_route(const Route& route, RouteHow how);
/// Removes a route that agrees in all that the value holds: table, destination, type, scope,
/// metric, and protocol (none: ours), link, gateway and preferred source as far as they are set.
Request delete_route(const Route& route);

/// IPv4. EEXIST when there is the same.
Request add_policy_rule(const PolicyRule& rule);
/// Deletes one that agrees in all that the value holds.
Request delete_policy_rule(const PolicyRule& rule);

/// Adds or replaces; without a state an entry is permanent.
Request add_neighbour(const Neighbour& neighbour);
/// The kernel finds a neighbour by link and address; its protocol is not compared.
Request delete_neighbour(const Neighbour& neighbour);

/// Adds or replaces; a device's entry with MAC 0 stands beside those to other destinations.
Request add_forwarding(const ForwardingEntry& entry);
Request delete_forwarding(const ForwardingEntry& entry);  ///< ENOENT

}  // namespace novaplane::netlink
