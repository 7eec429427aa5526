#include "dataplane/nft/selectors.h"

#include <linux/netfilter/nf_tables.h>

namespace novaplane::nft {
namespace {

using Load = Selector::Load;

/// Whether there is a route by the link that the packet came in by: a truth value.
constexpr std::uint32_t kByWay = NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT;

/// In the order of Select. Offsets: RFC 791, RFC 826 (Ethernet, IPv4), RFC 793, RFC 768, RFC 792,
/// RFC 8200, RFC 4861 (4.2 to 4.6: options follow after 16 bytes in a router advertisement, a
/// prefix takes 32 and an MTU 8; after 24 in a neighbour's).
constexpr Selector kSelectors[] = {
    {"iifname", Load::meta, NFT_META_IIFNAME, 0, 16, Needs::nothing},
    {"oifname", Load::meta, NFT_META_OIFNAME, 0, 16, Needs::nothing},
    {"meta mark", Load::meta, NFT_META_MARK, 0, 4, Needs::nothing},
    {"meta pkttype", Load::meta, NFT_META_PKTTYPE, 0, 1, Needs::nothing},
    {"meta nfproto", Load::meta, NFT_META_NFPROTO, 0, 1, Needs::nothing},
    {"meta l4proto", Load::meta, NFT_META_L4PROTO, 0, 1, Needs::nothing},
    {"ct state", Load::ct, NFT_CT_STATE, 0, 4, Needs::nothing},
    {"ct status", Load::ct, NFT_CT_STATUS, 0, 4, Needs::nothing},
    {"ether saddr", Load::payload, NFT_PAYLOAD_LL_HEADER, 6, 6, Needs::ethernet},
    {"ether daddr", Load::payload, NFT_PAYLOAD_LL_HEADER, 0, 6, Needs::ethernet},
    {"arp saddr ether", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 8, 6, Needs::arp},
    {"arp saddr ip", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 14, 4, Needs::arp},
    {"arp daddr ip", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 24, 4, Needs::arp},
    {"ip saddr", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 12, 4, Needs::ipv4},
    {"ip daddr", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 16, 4, Needs::ipv4},
    {"th dport", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, Needs::nothing},
    {"tcp dport", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, Needs::tcp},
    {"udp dport", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, Needs::udp},
    {"icmp type", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, Needs::icmp},
    {"fib saddr . iif oif", Load::fib, NFTA_FIB_F_SADDR | kByWay, 0, 4, Needs::nothing},
    {"fib daddr . iif oif", Load::fib, NFTA_FIB_F_DADDR | kByWay, 0, 4, Needs::nothing},
    {"meta protocol", Load::meta, NFT_META_PROTOCOL, 0, 2, Needs::nothing},
    {"ip6 saddr", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 8, 16, Needs::ipv6},
    {"ip6 daddr", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 24, 16, Needs::ipv6},
    {"icmpv6 type", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, Needs::icmpv6},
    {"@th,64,128", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 8, 16, Needs::icmpv6},
    {"@th,208,48", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 26, 6, Needs::icmpv6},
    {"@th,48,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 6, 2, Needs::icmpv6},
    {"@th,464,48", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 58, 6, Needs::icmpv6},
    {"th sport", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, Needs::nothing},
    {"ct mark", Load::ct, NFT_CT_MARK, 0, 4, Needs::nothing},
    {"ether type", Load::payload, NFT_PAYLOAD_LL_HEADER, 12, 2, Needs::nothing},
    {"iifgroup", Load::meta, NFT_META_IIFGROUP, 0, 4, Needs::nothing},
    {"meta iifkind", Load::meta, NFT_META_IIFKIND, 0, 16, Needs::nothing},
    {"meta oifkind", Load::meta, NFT_META_OIFKIND, 0, 16, Needs::nothing},
    {"icmp id", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 4, 2, Needs::icmp},
    {"tcp flags", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1, Needs::tcp},
    {"oifgroup", Load::meta, NFT_META_OIFGROUP, 0, 4, Needs::nothing},
    {"socket transparent", Load::socket, NFT_SOCKET_TRANSPARENT, 0, 1, Needs::nothing},
};

}  // namespace

const Selector& selector(Select select) { return kSelectors[static_cast<std::size_t>(select)]; }

std::string to_text(const Key& key) {
  std::string text;
  for (const Select select : key) {
    if (!text.empty()) text += " . ";
    text += selector(select).text;
  }
  return text;
}

}  // namespace novaplane::nft
