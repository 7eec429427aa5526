#pragma once

#include <cstdint>
#include <string_view>

#include "dataplane/nft/expression.h"
#include "dataplane/nft/values.h"

namespace novaplane::nft {

/// What must be checked before a selector means anything.
enum class Needs : std::uint8_t {
  nothing,
  ethernet,
  ipv4,
  ipv6,
  arp,
  tcp,
  udp,
  icmp,
  icmpv6,
  igmp,
};

/// How the kernel loads a selector into registers, and how nft names it.
struct Selector {
  enum class Load : std::uint8_t { meta, ct, payload, fib, socket, exthdr };

  std::string_view text;  ///< "ip daddr"
  Load load;
  std::uint32_t key;     ///< NFT_META_*, NFT_CT_*, NFTA_FIB_F_*, NFT_SOCKET_*, NFT_PAYLOAD_* (the
                         ///< base), the number of an extension header
  std::uint32_t offset;  ///< of payload and extension headers
  std::uint32_t size;    ///< bytes
  Needs needs;
};

const Selector& selector(Select);

/// `iifname . ip daddr`
std::string to_text(const Key&);

}  // namespace novaplane::nft
