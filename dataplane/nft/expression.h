#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "dataplane/base/address.h"

/// What a rule is made of, as plain values on the level of nft's own language. rule.h writes them,
/// to_text() prints them, lower.h turns them into what the kernel executes.
namespace novaplane::nft {

/// What of a packet a rule looks at or writes. With what it needs to be there comes the check that
/// it is: ip_daddr matches IPv4 packets only, tcp_dport TCP only.
enum class Select : std::uint8_t {
  iifname,
  oifname,
  mark,
  pkttype,
  nfproto,
  l4proto,
  ct_state,
  ct_status,
  ether_saddr,
  ether_daddr,
  arp_saddr_ether,
  arp_saddr_ip,
  arp_daddr_ip,
  ip_saddr,
  ip_daddr,
  th_dport,  ///< of whatever transport there is: only together with l4proto
  tcp_dport,
  udp_dport,
  icmp_type,
  fib_saddr_iif,  ///< 1: the host would send to the packet's source where it came in; else 0
  fib_daddr_iif,  ///< likewise, to its destination
  ether_type,     ///< of what a frame carries behind one tag, if it has one
  ip6_saddr,
  ip6_daddr,
  icmpv6_type,
  nd_target,      ///< who is asked for, or tells of itself: of neighbour discovery only
  nd_option_mac,  ///< what the first option of neighbour discovery says
  ra_lifetime,    ///< of router advertisements only: 0, the sender is no default router
  ra_third_mac,   ///< of router advertisements: what the option behind prefix and MTU says
  th_sport,       ///< as th_dport
  ct_mark,        ///< of the flow; in postrouting of one that is new, too
  frame_type,     ///< of the frame itself, which is a tag's where it has one
  iifgroup,       ///< of the link that a packet came in by: it outlives the link's name
  iifkind,        ///< IFLA_INFO_KIND of the link: "bridge"
  oifkind,
  icmp_id,             ///< of an echo
  tcp_flags,           ///< one byte of bits
  oifgroup,            ///< of the link that a packet goes out by
  socket_transparent,  ///< 0 or 1 where a socket of the host takes the packet; else the rule ends
  arp_operation,       ///< 1: request, 2: reply
  arp_header,          ///< hardware type, protocol type, and how long both kinds of address are
  dhcp_client,         ///< chaddr of DHCP: for whom the request is
  tcp_sport,
  udp_sport,
  igmp_type,
  ip_frag_off,  ///< with the flags above it
  ip_id,
  ip6_nexthdr,
  ip6_length,        ///< of what follows the header
  nd_option,         ///< type of the first option of a neighbour's discovery
  nd_second_option,  ///< of the second one, where the first has eight bytes
  frag_off,          ///< of IPv6, with the flags below it; without such a header the rule ends
  frag_more,         ///< the byte with its lowest bit
  frag_id,
  priority,  ///< of the packet: 32 bits that rules keep a number in while they judge
  icmpv6_id,
  ip6_saddr_prefix,  ///< its first half
  ip6_saddr_middle,  ///< two bytes, 0xfffe where it is made of a MAC (RFC 4291, appendix A)
  nd_target_prefix,
  nd_target_middle,
  // The packet that an ICMP error tells of (RFC 792), behind the error's own eight bytes.
  inner_ip_start,  ///< version and length of the header
  inner_ip_protocol,
  inner_ip_saddr,
  inner_ip_daddr,
  inner_ip_sport,  ///< for a header without options, as the following two
  inner_ip_dport,
  inner_ip_echo_id,
  inner_ip6_start,  ///< version and the upper half of the traffic class (RFC 4443)
  inner_ip6_nexthdr,
  inner_ip6_saddr,
  inner_ip6_daddr,
  inner_ip6_sport,
  inner_ip6_dport,
  inner_ip6_echo_id,
};

/// One selector, or several: a concatenation.
using Key = std::vector<Select>;

// Bits of ct_state and ct_status (uapi/linux/netfilter/nf_tables.h, nf_conntrack_common.h).
constexpr std::uint32_t kStateInvalid = 0x01, kStateEstablished = 0x02, kStateRelated = 0x04,
                        kStateNew = 0x08;
constexpr std::uint32_t kStatusSnat = 0x10, kStatusDnat = 0x20;
// Flags of TCP (RFC 9293).
constexpr std::uint32_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;
// Of ip_frag_off and frag_off (RFC 791, RFC 8200): there are bytes before, there are more behind.
constexpr std::uint32_t kIpOffset = 0x1fff, kIpMoreFragments = 0x2000, kFragOffset = 0xfff8,
                        kFragMore = 0x01;

// ICMP types (RFC 792).
constexpr std::uint8_t kIcmpEchoReply = 0, kIcmpUnreachable = 3, kIcmpRedirect = 5,
                       kIcmpEchoRequest = 8, kIcmpTimeExceeded = 11, kIcmpParameterProblem = 12;
// ICMPv6 types (RFC 4443, RFC 4861). From kIcmpv6Link on they speak of one link only.
constexpr std::uint8_t kIcmpv6Unreachable = 1, kIcmpv6ParameterProblem = 4,
                       kIcmpv6EchoRequest = 128, kIcmpv6EchoReply = 129, kIcmpv6Link = 130,
                       kMldQuery = 130, kMldReport = 131, kMldDone = 132, kRouterSolicitation = 133,
                       kRouterAdvertisement = 134, kNeighbourSolicitation = 135,
                       kNeighbourAdvertisement = 136, kIcmpv6Redirect = 137, kMldReport2 = 143;

/// `iifname . ip daddr @gateways`, or `!= @...`.
struct InSet {
  Key key;
  std::string_view set;
  bool negated = false;
};

/// `ip daddr 169.254.169.254`, `udp dport 67-68`; values as Bytes would encode them, unpadded.
struct Compare {
  Select of;
  std::string low, high;  ///< equal: one value, else an inclusive range
  bool negated = false;   ///< of one value only
};

/// `ip daddr 127.0.0.0/8`.
struct InPrefix {
  Select of;
  Prefix prefix;
  bool negated = false;
};

/// `meta iifgroup & 0xfffffffc == 0x00006e70`: the bits of the mask are as in the value.
struct MaskedCompare {
  Select of;
  std::string mask, value;  ///< as Compare's
  bool negated = false;
};

/// The packet has what these are read from: what is left of a look-up in a set that has no
/// elements.
struct Present {
  Key key;
};

/// `ct state established,related` (any of the bits is set) or `meta mark & 0x1 == 0` (none is).
struct HasBits {
  Select of;
  std::uint32_t bits = 0;
  bool none = false;
};

/// `meta mark set meta mark | 0x1`, or `meta mark set meta mark & 0xfffffffe`; of_flow: ct mark.
struct SetMarkBits {
  std::uint32_t bits = 0;
  bool clear = false;
  bool of_flow = false;
};

/// `meta priority set 7`
struct SetPriority {
  std::uint32_t number = 0;
};

/// `ether daddr set iifname . ether daddr map @to_bridge`: a packet that the map does not know
/// leaves the rule here.
struct WriteFromMap {
  Select target;
  Key key;
  std::string_view map;
};

/// `ip saddr vmap @uplink_of`: what the map knows goes on in the chain that it says, comes back and
/// meets the next rule, as what it does not know.
struct JumpByMap {
  Key key;
  std::string_view map;
};

/// `update @carried { iifname . ip saddr }`: the set remembers the packet, from now for its
/// timeout. add: what is there keeps the time that it has. remove: forgets it.
struct Remember {
  enum class How : std::uint8_t { add, update, remove };
  Key key;
  std::string_view set;
  How how = How::update;
  std::uint32_t timeout_seconds = 0;  ///< 0: the set's
};

/// `jump from_wire`, or `goto from_wire`, which does not come back.
struct ToChain {
  std::string_view chain;
  bool comes_back = true;
};

/// `meta pkttype set host`: the bridge takes the frame as its own.
struct SetPkttypeHost {};

/// `dnat ip to ip daddr map @floating_to_fixed`; with_port: the map's data is address . port.
struct NatFromMap {
  bool source = false;  ///< snat, else dnat
  Key key;
  std::string_view map;
  bool with_port = false;
  bool ipv6 = false;  ///< the map's data is IPv6
};

/// `dnat ip to 127.0.0.1:8775`; port 0: the packet's own stays.
struct NatTo {
  bool source = false;
  IpAddress address;
  std::uint16_t port = 0;
};

struct Masquerade {};

/// Conntrack, and so translation, leaves the packet alone; before priority -200 only.
struct NoTrack {};

enum class Verdict : std::uint8_t { accept, drop, return_ };

using Expression = std::variant<InSet, Compare, InPrefix, MaskedCompare, Present, HasBits,
                                SetMarkBits, SetPriority, WriteFromMap, SetPkttypeHost, NatFromMap,
                                NatTo, Masquerade, NoTrack, Remember, JumpByMap, ToChain, Verdict>;

}  // namespace novaplane::nft
