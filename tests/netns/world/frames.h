#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/netns/world/namespace.h"
#include "tests/netns/world/segments.h"

/// Frames as they stand on a wire, made from the inside out: what no kernel would send by itself.
namespace novaplane::netns::raw {

constexpr std::uint16_t kIpv4 = 0x0800, kArp = 0x0806, kIpv6 = 0x86dd, kTag = 0x8100,
                        kServiceTag = 0x88a8;

// Bytes as a packet has them: a number, a MAC, an address of either family.
std::string big(std::uint64_t value, int bytes);
std::string mac(std::string_view text);
std::string address(std::string_view text);

/// From its MACs on (IEEE 802.3); filled up to the least length.
std::string ethernet(std::string_view to, std::string_view from, std::uint16_t type,
                     std::string_view payload);
/// The addresses of both ends, and what follows their header, IPv4 or IPv6.
struct Ends {
  std::string from, to;
};
std::string ip(const Ends& ends, std::uint8_t protocol, const std::string& payload);
std::string udp(const Ends& ends, std::uint16_t source, std::uint16_t port,
                const std::string& payload);
/// What of it follows the IP header, and an IPv4 packet with a piece of that; `offset` is a
/// multiple of 8.
std::string datagram(const Ends& ends, std::uint16_t source, std::uint16_t port,
                     const std::string& payload);
std::string fragment(const Ends& ends, std::string_view piece, std::uint16_t offset, bool more);
/// Of IPv6: the header behind which the piece stands, `first` names what begins in its first one.
std::string fragment6(const Ends& ends, std::uint8_t first, std::string_view piece,
                      std::uint16_t offset, bool more);
/// An extension header without meaning (options that are padding), hop-by-hop or destination
/// options (RFC 8200, 4.3, 4.6): `next` follows it. `bytes` is a multiple of 8.
std::string options6(std::uint8_t next, int bytes = 8);
std::string segment(const Segment& words);  ///< TCP, without data
std::string syn(const Ends& ends, std::uint16_t source, std::uint16_t port);
std::string icmp(const Ends& ends, std::uint8_t type, std::uint8_t code, const std::string& body);
std::string icmpv6(const Ends& ends, std::uint8_t type, const std::string& body);
/// Without its IP header, to be put behind others.
std::string icmpv6_message(const Ends& ends, std::uint8_t type, const std::string& body);
/// One of neighbour discovery (RFC 4861, 4.6).
std::string nd_option(std::uint8_t type, std::string_view link_address);
std::string arp(std::uint16_t operation, std::string_view mac, std::string_view address,
                std::string_view to_mac, std::string_view to);
/// "`address` is at `mac`", unasked (RFC 826; RFC 4861, 4.4).
std::string arp_reply(std::string_view mac, std::string_view address, std::string_view to_mac,
                      std::string_view to);
std::string neighbour_advertisement(const Ends& ends, std::string_view address,
                                    std::string_view mac);
std::string router_advertisement(const Ends& ends, std::string_view mac);
std::string vxlan(std::uint32_t vni, const std::string& frame);  ///< what a tunnel's UDP carries
std::string bpdu(std::string_view from);  ///< "I am the root of the spanning tree" (IEEE 802.1D)

/// A frame in a way that some kernel, or a filter in it, looks through.
struct Encapsulation {
  std::string name;
  std::function<std::string(const std::string& frame)> put;
};
/// Tags of VLAN 0 and others, one to three; LLC/SNAP, PPPoE, MPLS; and these behind a tag.
const std::vector<Encapsulation>& encapsulations();
/// One tag, outermost.
std::string tagged(const std::string& frame, std::uint16_t vlan, std::uint16_t type = kTag);

void send(const Namespace& from, const std::string& frame, const std::string& link = "eth0");

}  // namespace novaplane::netns::raw
