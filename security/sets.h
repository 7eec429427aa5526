#pragma once

#include "dataplane/engine/host/shared_sets.h"
#include "dataplane/nft/set_of.h"

/// The sets and maps that the rules of port security and of security groups look things up in.
/// Ports are the names of links on this host.
namespace novaplane::security {

using nft::BoxesOf, nft::MapOf, nft::NotedSetOf, nft::PacketLimitersOf, nft::PacketSetOf,
    nft::SetName, nft::SetOf;
using nft::Family, nft::Field, nft::Fields;
using sets::kGuests;

// Port security.
/// guests' ports without it
constexpr SetOf<Field::ifname> kUnguarded{Family::bridge, "unguarded"};
/// port . MAC . the port's own address, of other ports too: by it they are known to metadata
constexpr SetOf<Field::ifname, Field::ether_addr, Field::ipv4_addr> kOwn4{Family::bridge, "own4"};
constexpr SetOf<Field::ifname, Field::ether_addr, Field::ipv6_addr> kOwn6{Family::bridge, "own6"};
/// port . its MAC, and those of its pairs
constexpr SetOf<Field::ifname, Field::ether_addr> kOwnMacs{Family::bridge, "own_macs"};
// What DHCP and neighbour discovery say inside has sets of its own: nft takes for a type of its own
// what it has no name for, and could not load what it lists.
/// as own_macs
constexpr SetOf<Field::ifname, Field::nd_mac> kInnerMacs{Family::bridge, "inner_macs"};
/// port . its IPv6 addresses, and single ones of its pairs
constexpr SetOf<Field::ifname, Field::nd_target> kNdTargets{Family::bridge, "nd_targets"};
constexpr BoxesOf<Field::ifname, Field::nd_target> kNdPairRanges{Family::bridge, "nd_pair_ranges"};
// `allowed_pairs`: single addresses, and ranges.
constexpr SetOf<Field::ifname, Field::ether_addr, Field::ipv4_addr> kPairs4{Family::bridge,
                                                                            "pairs4"};
constexpr BoxesOf<Field::ifname, Field::ether_addr, Field::ipv4_addr> kPairRanges4{Family::bridge,
                                                                                   "pair_ranges4"};
constexpr BoxesOf<Field::ifname, Field::ether_addr, Field::ipv6_addr> kPairRanges6{Family::bridge,
                                                                                   "pair_ranges6"};
// IPv6 addresses of a guest's own choice: each belongs to the first one that uses it (RFC 6620).
/// Port . /64 where it may choose : number of its network. One that is made of a MAC is nobody's
/// choice.
constexpr MapOf<Fields<Field::ifname, Field::ipv6_prefix>, Fields<Field::classid>> kChoices{
    Family::bridge, "choices"};
/// addresses that are a port's or the host's, and not made of a MAC: nobody's choice either
constexpr SetOf<Field::ipv6_addr> kAssigned6{Family::bridge, "assigned6"};
constexpr SetOf<Field::nd_target> kNdAssigned{Family::bridge, "nd_assigned"};
/// Written by the rules; forgotten two hours after the last packet.
constexpr std::uint32_t kChoiceSeconds = 7200, kMostChoices = 65'536;
/// network . address
constexpr PacketSetOf<Field::classid, Field::ipv6_addr> kChosen6{
    Family::bridge, "chosen6", kChoiceSeconds, {}, kMostChoices};
/// port . MAC . address
constexpr PacketSetOf<Field::ifname, Field::ether_addr, Field::ipv6_addr> kChosenBy6{
    Family::bridge, "chosen_by6", kChoiceSeconds, {}, kMostChoices};
// Likewise, who looks first whether anybody has an address, or tells of it.
constexpr PacketSetOf<Field::classid, Field::nd_target> kNdChosen{
    Family::bridge, "nd_chosen", kChoiceSeconds, {}, kMostChoices};
constexpr PacketSetOf<Field::ifname, Field::nd_target> kNdChosenBy{
    Family::bridge, "nd_chosen_by", kChoiceSeconds, {}, kMostChoices};
/// How many each port chooses.
constexpr PacketSetOf<Field::ifname> kChoosing{
    Family::bridge, "choosing", /*seconds=*/60, {.packets_per_second = 1, .burst = 20}};

// Security groups. A number is that of a list of groups (cloud::number_of).
/// port : where what it sends is looked at, where what it is sent
constexpr MapOf<Fields<Field::ifname>, Fields<Field::verdict>> kFromRole{Family::bridge,
                                                                         "from_role"};
constexpr MapOf<Fields<Field::ifname>, Fields<Field::verdict>> kToRole{Family::bridge, "to_role"};
/// Ports whose guests may have flows from before that nobody has noted: they have just got groups,
/// come from another host, or the table was written anew.
constexpr PacketSetOf<Field::ifname> kArrived{Family::bridge, "arrived", /*seconds=*/7800};
/// Likewise, for a minute: what is sent to them is taken for an answer.
constexpr PacketSetOf<Field::ifname> kArriving{Family::bridge, "arriving", /*seconds=*/60};
/// ports with groups
constexpr NotedSetOf<Field::ifname> kGrouped{Family::bridge, "grouped", kArrived.name,
                                             kArriving.name};
/// port : number of its groups
constexpr MapOf<Fields<Field::ifname>, Fields<Field::classid>> kGroupsOf{Family::bridge,
                                                                         "groups_of"};
/// port . address of the host there: table inet decides about what is sent to it
constexpr SetOf<Field::ifname, Field::ipv4_addr> kOwnHost4{Family::bridge, "own_host4"};
constexpr SetOf<Field::ifname, Field::ipv6_addr> kOwnHost6{Family::bridge, "own_host6"};
/// port: flows that it begins
constexpr PacketLimitersOf<Field::ifname> kNewFlows{Family::bridge, "new_flows"};
/// address : number of the groups of the port that has it, all hosts
constexpr MapOf<Fields<Field::ipv4_addr>, Fields<Field::classid>> kMember4{Family::bridge,
                                                                           "member4"};
constexpr MapOf<Fields<Field::ipv6_addr>, Fields<Field::classid>> kMember6{Family::bridge,
                                                                           "member6"};

/// What the rules of groups let through in one direction. Keys: number . protocol . destination
/// port or ICMP type. Of ranges: number . other's address . protocol . source port . destination
/// port; of ICMP the type and code stand where the source port does. Of groups: port . number of
/// the other's groups . as before.
struct RuleSets {
  SetOf<Field::classid> all;
  SetOf<Field::classid, Field::inet_proto> protocols;
  SetOf<Field::classid, Field::inet_proto, Field::inet_service> ports;
  SetOf<Field::classid, Field::icmp_type> types4;
  SetOf<Field::classid, Field::icmpv6_type> types6;
  BoxesOf<Field::classid, Field::ipv4_addr, Field::inet_proto, Field::inet_service,
          Field::inet_service>
      ranges4;
  BoxesOf<Field::classid, Field::ipv6_addr, Field::inet_proto, Field::inet_service,
          Field::inet_service>
      ranges6;
  SetOf<Field::ifname, Field::classid> group;
  SetOf<Field::ifname, Field::classid, Field::inet_proto> group_protocols;
  SetOf<Field::ifname, Field::classid, Field::inet_proto, Field::inet_service> group_ports;
  BoxesOf<Field::ifname, Field::classid, Field::inet_proto, Field::inet_service,
          Field::inet_service>
      group_ranges;
};
constexpr RuleSets kIn{{Family::bridge, "in_all"},
                       {Family::bridge, "in_protocols"},
                       {Family::bridge, "in_ports"},
                       {Family::bridge, "in_types4"},
                       {Family::bridge, "in_types6"},
                       {Family::bridge, "in_ranges4"},
                       {Family::bridge, "in_ranges6"},
                       {Family::bridge, "in_group"},
                       {Family::bridge, "in_group_protocols"},
                       {Family::bridge, "in_group_ports"},
                       {Family::bridge, "in_group_ranges"}};
constexpr RuleSets kOut{{Family::bridge, "out_all"},
                        {Family::bridge, "out_protocols"},
                        {Family::bridge, "out_ports"},
                        {Family::bridge, "out_types4"},
                        {Family::bridge, "out_types6"},
                        {Family::bridge, "out_ranges4"},
                        {Family::bridge, "out_ranges6"},
                        {Family::bridge, "out_group"},
                        {Family::bridge, "out_group_protocols"},
                        {Family::bridge, "out_group_ports"},
                        {Family::bridge, "out_group_ranges"}};

/// Flows of one family that ports with groups have, written by the rules. Keys: port . its own
/// address . the other's . its port . the other's port. What the guest began: tcp (a minute until
/// both have spoken), closing, asked and, once answered, udp, echo, other. Of what others began
/// there is no more than that it was let in, or out, for five seconds: then it is judged again.
template <Field address>
struct FlowSets {
  static constexpr std::uint32_t kMost = 262'144;
  struct Flows
      : PacketSetOf<Field::ifname, address, address, Field::inet_service, Field::inet_service> {
    constexpr Flows(std::string_view name, std::uint32_t seconds)
        : PacketSetOf<Field::ifname, address, address, Field::inet_service, Field::inet_service>(
              Family::bridge, name, seconds, {}, kMost) {}
  };
  static constexpr Field kEchoId = address == Field::ipv4_addr ? Field::icmp_id : Field::icmpv6_id;
  static constexpr Field kFragment = address == Field::ipv4_addr ? Field::ip_id : Field::frag_id;
  using Echoes = PacketSetOf<Field::ifname, address, address, kEchoId>;

  Flows tcp, closing, udp, asked, let_in_tcp, let_in_udp, let_out_tcp, let_out_udp;
  /// Let in at a port that has just arrived: no flows of the guest's own from before.
  Flows others_tcp;
  PacketSetOf<Field::ifname, address, address, Field::inet_proto> other;
  Echoes echo, let_in_echo;
  /// What of a fragmented packet comes behind its first fragment, which has passed.
  PacketSetOf<Field::ifname, address, address, kFragment> later;
};
constexpr std::uint32_t kTcpSeconds = 7800, kHalfOpenSeconds = 60, kClosingSeconds = 120,
                        kUdpSeconds = 180, kAskedSeconds = 30, kJudgedSeconds = 5;
constexpr FlowSets<Field::ipv4_addr> kFlows4{
    {"tcp4", kTcpSeconds},
    {"closing4", kClosingSeconds},
    {"udp4", kUdpSeconds},
    {"asked4", kAskedSeconds},
    {"let_in_tcp4", kJudgedSeconds},
    {"let_in_udp4", kJudgedSeconds},
    {"let_out_tcp4", kJudgedSeconds},
    {"let_out_udp4", kJudgedSeconds},
    {"others_tcp4", kTcpSeconds},
    {Family::bridge, "other4", kUdpSeconds, {}, FlowSets<Field::ipv4_addr>::kMost},
    {Family::bridge, "echo4", kAskedSeconds, {}, FlowSets<Field::ipv4_addr>::kMost},
    {Family::bridge, "let_in_echo4", kJudgedSeconds, {}, FlowSets<Field::ipv4_addr>::kMost},
    {Family::bridge, "later4", kAskedSeconds, {}, FlowSets<Field::ipv4_addr>::kMost}};
constexpr FlowSets<Field::ipv6_addr> kFlows6{
    {"tcp6", kTcpSeconds},
    {"closing6", kClosingSeconds},
    {"udp6", kUdpSeconds},
    {"asked6", kAskedSeconds},
    {"let_in_tcp6", kJudgedSeconds},
    {"let_in_udp6", kJudgedSeconds},
    {"let_out_tcp6", kJudgedSeconds},
    {"let_out_udp6", kJudgedSeconds},
    {"others_tcp6", kTcpSeconds},
    {Family::bridge, "other6", kUdpSeconds, {}, FlowSets<Field::ipv6_addr>::kMost},
    {Family::bridge, "echo6", kAskedSeconds, {}, FlowSets<Field::ipv6_addr>::kMost},
    {Family::bridge, "let_in_echo6", kJudgedSeconds, {}, FlowSets<Field::ipv6_addr>::kMost},
    {Family::bridge, "later6", kAskedSeconds, {}, FlowSets<Field::ipv6_addr>::kMost}};

// Table inet.
/// Bridges with ports that have groups: what the host itself says there bears its mark.
constexpr SetOf<Field::ifname> kGroupedBridges{Family::inet, "grouped_bridges"};
/// Likewise, where br_netfilter translates what is bridged.
constexpr SetOf<Field::ifname> kTrackedBridges{Family::inet, "tracked_bridges"};

}  // namespace novaplane::security
