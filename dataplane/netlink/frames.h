#pragma once

#include <net/ethernet.h>
#include <net/if_arp.h>

#include <cstdint>
#include <string_view>

/// What whoever writes frames byte by byte needs.
namespace novaplane::netlink {

/// ARP over Ethernet (RFC 826), with the Ethernet header before it.
struct ArpFrame {
  ether_header ethernet;
  arphdr arp;
  std::uint8_t sender_mac[6], sender_address[4];
  std::uint8_t target_mac[6], target_address[4];
} __attribute__((packed));
static_assert(sizeof(ArpFrame) == 42);

/// Of 16-bit words in network order; of several parts, sums add up.
inline std::uint32_t sum_of(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (i % 2 ? 0 : 8);
  }
  return sum;
}

/// The internet checksum (RFC 1071) of what was summed up, in host order.
inline std::uint16_t checksum(std::uint32_t sum) {
  while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace novaplane::netlink
