#include "tests/netns/world/frames.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <system_error>

#include "dataplane/base/address.h"

namespace novaplane::netns::raw {

std::string big(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> 8 * i);
  return out;
}
std::string mac(std::string_view text) {
  const Mac parsed = Mac::parse(text).value();
  return {parsed.bytes.begin(), parsed.bytes.end()};
}
std::string address(std::string_view text) {
  const IpAddress parsed = IpAddress::parse(text).value();
  return {parsed.bytes().begin(), parsed.bytes().end()};
}

namespace {

constexpr std::size_t kMacs = 2 * ETH_ALEN, kLeast = ETH_ZLEN;
constexpr std::uint8_t kTtl = 64, kHops = 255;

/// RFC 1071.
std::string checksum(const std::string& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<unsigned char>(bytes[i]) << (i % 2 ? 0 : 8);
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return big(~sum & 0xffff, 2);
}
/// With the pseudo header of both families: what stands in it adds up to the same.
std::string checksum(const Ends& ends, std::uint8_t protocol, const std::string& payload) {
  return checksum(address(ends.from) + address(ends.to) + big(protocol, 4) +
                  big(payload.size(), 4) + payload);
}
std::string with(std::string bytes, std::size_t at, const std::string& value) {
  return bytes.replace(at, value.size(), value);
}

std::string ipv4(const Ends& ends, std::uint8_t protocol, std::string_view payload,
                 std::uint16_t flags_and_offset) {
  constexpr std::size_t kHeader = 20, kChecksum = 10;
  const std::string header = big(0x4500, 2) + big(kHeader + payload.size(), 2) + big(0x6e70, 2) +
                             big(flags_and_offset, 2) + big(kTtl, 1) + big(protocol, 1) +
                             big(0, 2) + address(ends.from) + address(ends.to);
  return with(header, kChecksum, checksum(header)) + std::string(payload);
}

std::string type_of(const std::string& frame) { return frame.substr(kMacs, 2); }
std::string payload_of(const std::string& frame) { return frame.substr(kMacs + 2); }
std::string between(const std::string& frame, const std::string& header, const std::string& rest) {
  return frame.substr(0, kMacs) + header + rest;
}

/// IEEE 802.2 with RFC 1042: a length where the type stands, and the type behind it.
std::string snap(const std::string& frame) {
  const std::string inside =
      std::string("\xaa\xaa\x03\0\0\0", 6) + type_of(frame) + payload_of(frame);
  return between(frame, big(inside.size(), 2), inside);
}
/// RFC 2516: a session that nobody has opened. br_netfilter looks through it where told to.
std::string pppoe(const std::string& frame) {
  const std::string protocol = type_of(frame) == big(kIpv6, 2) ? big(0x0057, 2) : big(0x0021, 2);
  const std::string inside = protocol + payload_of(frame);
  return between(frame, big(ETH_P_PPP_SES, 2) + big(0x1100, 2) + big(1, 2),
                 big(inside.size(), 2) + inside);
}
/// RFC 3032: one label, the bottom of the stack.
std::string mpls(const std::string& frame) {
  constexpr std::uint32_t kExplicitNull = 0x00000140;
  return between(frame, big(ETH_P_MPLS_UC, 2), big(kExplicitNull, 4) + payload_of(frame));
}

}  // namespace

std::string ethernet(std::string_view to, std::string_view from, std::uint16_t type,
                     std::string_view payload) {
  std::string frame = mac(to) + mac(from) + big(type, 2) + std::string(payload);
  if (frame.size() < kLeast) frame.resize(kLeast);
  return frame;
}

std::string ip(const Ends& ends, std::uint8_t protocol, const std::string& payload) {
  if (IpAddress::parse(ends.to).value().is_v4()) return ipv4(ends, protocol, payload, 0);
  return big(0x60000000, 4) + big(payload.size(), 2) + big(protocol, 1) + big(kHops, 1) +
         address(ends.from) + address(ends.to) + payload;
}

std::string fragment(const Ends& ends, std::string_view piece, std::uint16_t offset, bool more) {
  constexpr std::uint16_t kMore = 0x2000;
  return ipv4(ends, IPPROTO_UDP, piece,
              static_cast<std::uint16_t>(offset / 8 | (more ? kMore : 0)));
}

std::string fragment6(const Ends& ends, std::uint8_t first, std::string_view piece,
                      std::uint16_t offset, bool more) {
  constexpr std::uint32_t kId = 0x6e70;
  const auto where = static_cast<std::uint16_t>(offset | (more ? 1 : 0));
  return ip(ends, IPPROTO_FRAGMENT,
            big(first, 1) + big(0, 1) + big(where, 2) + big(kId, 4) + std::string(piece));
}

std::string options6(std::uint8_t next, int bytes) {
  constexpr std::uint8_t kPadding = 1;
  return big(next, 1) + big(static_cast<std::uint64_t>(bytes / 8 - 1), 1) + big(kPadding, 1) +
         big(static_cast<std::uint64_t>(bytes - 4), 1) +
         std::string(static_cast<std::size_t>(bytes - 4), '\0');
}

std::string datagram(const Ends& ends, std::uint16_t source, std::uint16_t port,
                     const std::string& payload) {
  constexpr std::size_t kHeader = 8, kChecksum = 6;
  const std::string bytes =
      big(source, 2) + big(port, 2) + big(kHeader + payload.size(), 2) + big(0, 2) + payload;
  return with(bytes, kChecksum, checksum(ends, IPPROTO_UDP, bytes));
}

std::string udp(const Ends& ends, std::uint16_t source, std::uint16_t port,
                const std::string& payload) {
  return ip(ends, IPPROTO_UDP, datagram(ends, source, port, payload));
}

std::string segment(const Segment& words) {
  constexpr std::size_t kChecksum = 16;
  constexpr std::uint16_t kHeaderLength = 0x5000, kWindow = 1000;
  const Ends ends{words.from, words.to};
  const std::string bytes = big(words.source_port, 2) + big(words.port, 2) +
                            big(words.sequence, 4) + big(words.acknowledged, 4) +
                            big(kHeaderLength | words.flags, 2) + big(kWindow, 2) + big(0, 4);
  return ip(ends, IPPROTO_TCP, with(bytes, kChecksum, checksum(ends, IPPROTO_TCP, bytes)));
}

std::string syn(const Ends& ends, std::uint16_t source, std::uint16_t port) {
  return segment({ends.from, ends.to, source, port, kSyn, 1, 0});
}

std::string icmp(const Ends& ends, std::uint8_t type, std::uint8_t code, const std::string& body) {
  constexpr std::size_t kChecksum = 2;
  const std::string bytes = big(type, 1) + big(code, 1) + big(0, 2) + body;
  return ip(ends, IPPROTO_ICMP, with(bytes, kChecksum, checksum(bytes)));
}

std::string icmpv6_message(const Ends& ends, std::uint8_t type, const std::string& body) {
  constexpr std::size_t kChecksum = 2;
  const std::string bytes = big(type, 1) + big(0, 3) + body;
  return with(bytes, kChecksum, checksum(ends, IPPROTO_ICMPV6, bytes));
}

std::string icmpv6(const Ends& ends, std::uint8_t type, const std::string& body) {
  return ip(ends, IPPROTO_ICMPV6, icmpv6_message(ends, type, body));
}

std::string nd_option(std::uint8_t type, std::string_view link_address) {
  return big(type, 1) + big(1, 1) + mac(link_address);
}

std::string arp(std::uint16_t operation, std::string_view own, std::string_view own_address,
                std::string_view to_mac, std::string_view to) {
  return big(1, 2) + big(kIpv4, 2) + big(0x0604, 2) + big(operation, 2) + mac(own) +
         address(own_address) + mac(to_mac) + address(to);
}

std::string arp_reply(std::string_view own, std::string_view own_address, std::string_view to_mac,
                      std::string_view to) {
  return arp(2, own, own_address, to_mac, to);
}

std::string neighbour_advertisement(const Ends& ends, std::string_view told,
                                    std::string_view link_address) {
  constexpr std::uint32_t kOverride = 0x20000000;
  constexpr std::uint8_t kType = 136, kTarget = 2;
  return icmpv6(ends, kType, big(kOverride, 4) + address(told) + nd_option(kTarget, link_address));
}

std::string router_advertisement(const Ends& ends, std::string_view link_address) {
  constexpr std::uint8_t kType = 134, kSource = 1;
  return icmpv6(
      ends, kType,
      big(64, 1) + big(0, 1) + big(1800, 2) + big(0, 8) + nd_option(kSource, link_address));
}

std::string vxlan(std::uint32_t vni, const std::string& frame) {
  return big(0x08000000, 4) + big(vni << 8, 4) + frame;
}

std::string bpdu(std::string_view from) {
  const std::string bridge = big(0, 2) + mac(from);
  const std::string inside = std::string("\x42\x42\x03", 3) + big(0, 5) + bridge + big(0, 4) +
                             bridge + big(0x8001, 2) + big(0, 2) + big(0x1400, 2) + big(0x0200, 2) +
                             big(0x0f00, 2);
  return ethernet("01:80:c2:00:00:00", from, static_cast<std::uint16_t>(inside.size()), inside);
}

std::string tagged(const std::string& frame, std::uint16_t vlan, std::uint16_t type) {
  return between(frame, big(type, 2) + big(vlan, 2), frame.substr(kMacs));
}

const std::vector<Encapsulation>& encapsulations() {
  constexpr std::uint16_t kVlan = 101;
  using Frame = const std::string&;
  static const std::vector<Encapsulation> all{
      {"a tag of VLAN 0", [](Frame f) { return tagged(f, 0); }},
      {"two", [](Frame f) { return tagged(tagged(f, 0), 0); }},
      {"three", [](Frame f) { return tagged(tagged(tagged(f, 0), 0), 0); }},
      {"802.1ad", [](Frame f) { return tagged(f, 0, kServiceTag); }},
      {"802.1ad, twice", [](Frame f) { return tagged(tagged(f, 0, kServiceTag), 0, kServiceTag); }},
      {"802.1Q behind 802.1ad", [](Frame f) { return tagged(tagged(f, 0), 0, kServiceTag); }},
      {"802.1ad behind 802.1Q", [](Frame f) { return tagged(tagged(f, 0, kServiceTag), 0); }},
      {"a tag of VLAN 101", [](Frame f) { return tagged(f, kVlan); }},
      {"one behind one of VLAN 0", [](Frame f) { return tagged(tagged(f, kVlan), 0); }},
      {"LLC/SNAP", snap},
      {"LLC/SNAP behind a tag", [](Frame f) { return tagged(snap(f), 0); }},
      {"PPPoE", pppoe},
      {"PPPoE behind a tag", [](Frame f) { return tagged(pppoe(f), 0); }},
      {"MPLS", mpls},
      {"MPLS behind a tag", [](Frame f) { return tagged(mpls(f), 0); }},
  };
  return all;
}

void send(const Namespace& from, const std::string& frame, const std::string& link) {
  from.inside([&] {
    const Fd raw(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_ifindex = static_cast<int>(if_nametoindex(link.c_str()));
    if (!raw || address.sll_ifindex == 0) throw std::runtime_error("no link " + link);
    const auto sent = sendto(raw.get(), frame.data(), frame.size(), 0,
                             reinterpret_cast<const sockaddr*>(&address), sizeof address);
    if (sent != static_cast<ssize_t>(frame.size()))
      throw std::system_error(errno, std::generic_category(), "a frame by " + link);
  });
}

}  // namespace novaplane::netns::raw
