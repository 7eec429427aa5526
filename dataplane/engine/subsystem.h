#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/conntrack/flow_filter.h"
#include "dataplane/engine/group_lists.h"
#include "dataplane/engine/host/facts.h"
#include "dataplane/engine/host/marks.h"
#include "dataplane/engine/rows.h"
#include "dataplane/nft/ruleset.h"

namespace novaplane::engine {

using Clock = std::chrono::steady_clock;

enum class ObjectKind : std::uint8_t { host, network, port, floating_ip, port_forward };

/// The name of an object of the document: what a row is wanted for, what a status is about.
struct Object {
  ObjectKind kind = ObjectKind::host;
  std::string name;  ///< a floating IP's is its address
  auto operator<=>(const Object&) const = default;
  std::string to_string() const;  ///< "network blue", "port web1", "floating IP 203.0.113.10"
};

/// By network, for VXLANs only: the hosts that have ports of it, and how many.
using HostsOfNetworks = std::unordered_map<std::string, std::map<std::string, std::size_t>>;

/// All that compile() may look at.
struct Context {
  const cloud::Cloud& cloud;
  /// The host that is compiled for. An uplink whose NIC became the port of a network's bridge is
  /// that bridge here, and has its NIC's facts.
  const cloud::Host& host;
  const Facts& facts;
  const std::unordered_map<std::string, std::size_t>& local_ports;  ///< by network; absent: none
  const HostsOfNetworks& hosts_of_networks;
  const GroupLists& group_lists;  ///< of all ports of the cloud
};

/// What is done once a change of rows is in force: never state, always an act. Plain values.
struct Announce {
  std::string link;
  IpAddress address;
  std::uint32_t count = 3;
  std::optional<Mac> mac = {};  ///< where it is; none: at the link itself
  bool operator==(const Announce&) const = default;
};
/// Flows that leave conntrack (design: "Flows leave conntrack exactly").
using ForgetFlows = conntrack::FlowFilter;
struct SideEffects {
  std::vector<Announce> announcements;
  /// Links that take the place of others: what is known of their addresses is announced there.
  std::vector<std::string> replacing_links;
  std::vector<ForgetFlows> flows;
};

/// A part of the data plane: compiles its share of each object, and brings the static part of its
/// nf_tables. Pure: no I/O, no state.
class Subsystem {
 public:
  virtual ~Subsystem() = default;
  virtual nft::Ruleset ruleset(const Marks&) const { return {}; }
  /// Sets of the ruleset whose elements are the names of links that were attached for the document:
  /// by them a fresh process knows which ports of a bridge it may detach.
  virtual std::vector<nft::SetName> sets_of_ports() const { return {}; }
  /// Those among them that name the ports to other hosts.
  virtual std::vector<nft::SetName> sets_of_underlay_ports() const { return {}; }
  /// Appends the rows that `object` wants on this host; the object exists in the cloud.
  virtual void compile(const Context&, const Object& object, Rows& out) const = 0;
  /// What others on the link know to be at its MAC, beyond public addresses (whose rows tell):
  /// gateways, sources. Said again when that MAC is another, or the link has its carrier back.
  virtual void announce_again(const Context&, const std::string& /*link*/,
                              std::vector<Announce>& /*out*/) const {}
  /// The side effects when a row changes (either side null: added, removed). Subsystems know kinds
  /// by name, here as in compile(); the machinery calls what there is for the kind of a step.
  virtual void on_change(const Context&, const nft::ElementKey&, const nft::Element* /*before*/,
                         const nft::Element* /*after*/, SideEffects&) const {}
  virtual void on_change(const Context&, const RouteKey&, const Route* /*before*/,
                         const Route* /*after*/, SideEffects&) const {}
  virtual void on_change(const Context&, const PolicyRuleKey&, const PolicyRule* /*before*/,
                         const PolicyRule* /*after*/, SideEffects&) const {}
  virtual void on_change(const Context&, const NeighbourKey&, const Neighbour* /*before*/,
                         const Neighbour* /*after*/, SideEffects&) const {}
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::Object> {
  std::size_t operator()(const novaplane::engine::Object& o) const {
    return novaplane::hash_of(static_cast<int>(o.kind), o.name);
  }
};
