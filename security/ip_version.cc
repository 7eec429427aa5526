#include "security/ip_version.h"

#include <netinet/in.h>

#include "dataplane/nft/rule.h"

namespace novaplane::security {
namespace {

using enum nft::Select;

constexpr Chains kChains4{"out_free4",       "out_free_tcp4",   "out_free_udp4",
                          "out_tight4",      "out_icmp4",       "out_tight_tcp4",
                          "out_tight_udp4",  "out_tight_icmp4", "note_tcp4",
                          "note_known_tcp4", "noted_tcp4",      "note_udp4",
                          "noted_udp4",      "note_other4",     "note_echo4",
                          "out_passed4",     "out_error4",      "in4",
                          "in_tcp4",         "in_udp4",         "in_icmp4",
                          "in_passed4",      "in_error4"};
constexpr Chains kChains6{"out_free6",       "out_free_tcp6",   "out_free_udp6",
                          "out_tight6",      "out_icmp6",       "out_tight_tcp6",
                          "out_tight_udp6",  "out_tight_icmp6", "note_tcp6",
                          "note_known_tcp6", "noted_tcp6",      "note_udp6",
                          "noted_udp6",      "note_other6",     "note_echo6",
                          "out_passed6",     "out_error6",      "in6",
                          "in_tcp6",         "in_udp6",         "in_icmp6",
                          "in_passed6",      "in_error6"};

template <Field address>
IpVersion with_sets(IpVersion version, const FlowSets<address>& sets) {
  version.tcp = sets.tcp;
  version.closing = sets.closing;
  version.udp = sets.udp;
  version.asked = sets.asked;
  version.let_in_tcp = sets.let_in_tcp;
  version.let_in_udp = sets.let_in_udp;
  version.let_out_tcp = sets.let_out_tcp;
  version.let_out_udp = sets.let_out_udp;
  version.others_tcp = sets.others_tcp;
  version.other = sets.other;
  version.echo = sets.echo;
  version.let_in_echo = sets.let_in_echo;
  version.later = sets.later;
  return version;
}

}  // namespace

IpVersion ipv4() {
  IpVersion version{};
  version.is_v4 = true;
  version.chains = kChains4;
  version.saddr = ip_saddr;
  version.daddr = ip_daddr;
  version.echo_id = icmp_id;
  version.fragment = ip_id;
  version.icmp = IPPROTO_ICMP;
  version.icmp_type = nft::Select::icmp_type;
  version.echo_request = nft::kIcmpEchoRequest;
  version.echo_reply = nft::kIcmpEchoReply;
  version.inner_start = inner_ip_start;
  version.inner_protocol = inner_ip_protocol;
  version.inner_saddr = inner_ip_saddr;
  version.inner_daddr = inner_ip_daddr;
  version.inner_sport = inner_ip_sport;
  version.inner_dport = inner_ip_dport;
  version.inner_echo_id = inner_ip_echo_id;
  version.inner_first = version.inner_last = 0x45;
  return with_sets(version, kFlows4);
}

IpVersion ipv6() {
  IpVersion version{};
  version.is_v4 = false;
  version.chains = kChains6;
  version.saddr = ip6_saddr;
  version.daddr = ip6_daddr;
  version.echo_id = icmpv6_id;
  version.fragment = frag_id;
  version.icmp = IPPROTO_ICMPV6;
  version.icmp_type = icmpv6_type;
  version.echo_request = nft::kIcmpv6EchoRequest;
  version.echo_reply = nft::kIcmpv6EchoReply;
  version.inner_start = inner_ip6_start;
  version.inner_protocol = inner_ip6_nexthdr;
  version.inner_saddr = inner_ip6_saddr;
  version.inner_daddr = inner_ip6_daddr;
  version.inner_sport = inner_ip6_sport;
  version.inner_dport = inner_ip6_dport;
  version.inner_echo_id = inner_ip6_echo_id;
  version.inner_first = 0x60;
  version.inner_last = 0x6f;
  return with_sets(version, kFlows6);
}

}  // namespace novaplane::security
