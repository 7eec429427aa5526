#include "dataplane/netlink/advertisement.h"

#include <arpa/inet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip6.h>

#include <algorithm>

#include "dataplane/netlink/frames.h"

namespace novaplane::netlink {
namespace {

/// RFC 4861, 4.4, with its one option, and the headers before it.
struct Frame {
  ether_header ethernet;
  ip6_hdr ip;
  nd_neighbor_advert advertisement;
  nd_opt_hdr option;
  std::uint8_t mac[6];
} __attribute__((packed));
static_assert(sizeof(Frame) == 86);

constexpr std::size_t kIcmpAt = sizeof(ether_header) + sizeof(ip6_hdr);
constexpr std::uint16_t kIcmpSize = sizeof(Frame) - kIcmpAt;

/// RFC 8200, 8.1: over both addresses, the length, the protocol and the message.
std::uint16_t checksum_of(std::string_view frame) {
  const std::size_t addresses_at = sizeof(ether_header) + offsetof(ip6_hdr, ip6_src);
  return checksum(sum_of(frame.substr(addresses_at, 2 * sizeof(in6_addr))) + kIcmpSize +
                  IPPROTO_ICMPV6 + sum_of(frame.substr(kIcmpAt)));
}

}  // namespace

std::string advertisement_of(const Mac& mac, const IpAddress& address) {
  constexpr std::uint8_t kToAll[] = {0x33, 0x33, 0, 0, 0, 1};  // RFC 2464, 7: of ff02::1
  constexpr std::uint8_t kHopLimit = 255;                      // RFC 4861: others are not heard
  Frame frame{};
  std::copy(std::begin(kToAll), std::end(kToAll), frame.ethernet.ether_dhost);
  std::copy(mac.bytes.begin(), mac.bytes.end(), frame.ethernet.ether_shost);
  frame.ethernet.ether_type = htons(ETHERTYPE_IPV6);
  frame.ip.ip6_flow = htonl(6u << 28);
  frame.ip.ip6_plen = htons(kIcmpSize);
  frame.ip.ip6_nxt = IPPROTO_ICMPV6;
  frame.ip.ip6_hlim = kHopLimit;
  const auto bytes = address.bytes();
  std::copy(bytes.begin(), bytes.end(), frame.ip.ip6_src.s6_addr);
  frame.ip.ip6_dst.s6_addr[0] = 0xff;
  frame.ip.ip6_dst.s6_addr[1] = 0x02;
  frame.ip.ip6_dst.s6_addr[15] = 1;
  frame.advertisement.nd_na_type = ND_NEIGHBOR_ADVERT;
  frame.advertisement.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
  std::copy(bytes.begin(), bytes.end(), frame.advertisement.nd_na_target.s6_addr);
  frame.option = {ND_OPT_TARGET_LINKADDR, 1};
  std::copy(mac.bytes.begin(), mac.bytes.end(), frame.mac);
  std::string whole(reinterpret_cast<const char*>(&frame), sizeof(frame));
  const std::uint16_t sum = checksum_of(whole);
  whole[kIcmpAt + 2] = static_cast<char>(sum >> 8);
  whole[kIcmpAt + 3] = static_cast<char>(sum);
  return whole;
}

}  // namespace novaplane::netlink
