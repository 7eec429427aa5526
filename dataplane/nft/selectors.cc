#include "dataplane/nft/selectors.h"

#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

namespace novaplane::nft {
namespace {

using Load = Selector::Load;

/// Whether there is a route by the link that the packet came in by: a truth value.
constexpr std::uint32_t kByWay = NFTA_FIB_F_IIF | NFTA_FIB_F_PRESENT;

/// In the order of Select. Offsets: RFC 791, RFC 826 (Ethernet, IPv4), RFC 793, RFC 768, RFC 792,
/// RFC 2131, RFC 8200, RFC 4861 (4.2 to 4.6: options follow after 16 bytes in a router
/// advertisement, a prefix takes 32 and an MTU 8; after 24 in a neighbour's).
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
    {"arp operation", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 6, 2, Needs::arp},
    {"@nh,0,48", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 0, 6, Needs::arp},
    {"@th,288,48", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 36, 6, Needs::udp},
    {"tcp sport", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, Needs::tcp},
    {"udp sport", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2, Needs::udp},
    {"igmp type", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, Needs::igmp},
    {"ip frag-off", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 6, 2, Needs::ipv4},
    {"ip id", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 4, 2, Needs::ipv4},
    {"ip6 nexthdr", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 6, 1, Needs::ipv6},
    {"ip6 length", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 4, 2, Needs::ipv6},
    {"@th,192,8", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 24, 1, Needs::icmpv6},
    {"@th,256,8", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 32, 1, Needs::icmpv6},
    {"frag frag-off", Load::exthdr, IPPROTO_FRAGMENT, 2, 2, Needs::ipv6},
    {"frag more-fragments", Load::exthdr, IPPROTO_FRAGMENT, 3, 1, Needs::ipv6},
    {"frag id", Load::exthdr, IPPROTO_FRAGMENT, 4, 4, Needs::ipv6},
    {"meta priority", Load::meta, NFT_META_PRIORITY, 0, 4, Needs::nothing},
    {"icmpv6 id", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 4, 2, Needs::icmpv6},
    {"@nh,64,64", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 8, 8, Needs::ipv6},
    {"@nh,152,16", Load::payload, NFT_PAYLOAD_NETWORK_HEADER, 19, 2, Needs::ipv6},
    {"@th,64,64", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 8, 8, Needs::icmpv6},
    {"@th,152,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 19, 2, Needs::icmpv6},
    {"@th,64,8", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 8, 1, Needs::icmp},
    {"@th,136,8", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 17, 1, Needs::icmp},
    {"@th,160,32", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 20, 4, Needs::icmp},
    {"@th,192,32", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 24, 4, Needs::icmp},
    {"@th,224,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 28, 2, Needs::icmp},
    {"@th,240,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 30, 2, Needs::icmp},
    {"@th,256,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 32, 2, Needs::icmp},
    {"@th,64,8", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 8, 1, Needs::icmpv6},
    {"@th,112,8", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 14, 1, Needs::icmpv6},
    {"@th,128,128", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 16, 16, Needs::icmpv6},
    {"@th,256,128", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 32, 16, Needs::icmpv6},
    {"@th,384,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 48, 2, Needs::icmpv6},
    {"@th,400,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 50, 2, Needs::icmpv6},
    {"@th,416,16", Load::payload, NFT_PAYLOAD_TRANSPORT_HEADER, 52, 2, Needs::icmpv6},
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
