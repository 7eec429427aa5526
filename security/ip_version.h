#pragma once

#include <string_view>
#include <vector>

#include "dataplane/nft/expression.h"
#include "security/sets.h"

/// What differs between IPv4 and IPv6 for the rules of flows.
namespace novaplane::security {

/// The chains of one family.
struct Chains {
  std::string_view out_free, out_free_tcp, out_free_udp, out_tight, out_icmp, out_tight_tcp,
      out_tight_udp, out_tight_icmp, note_tcp, note_known_tcp, noted_tcp, note_udp, noted_udp,
      note_other, note_echo, out_passed, out_error;
  std::string_view in, in_tcp, in_udp, in_icmp, in_passed, in_error;

  std::vector<std::string_view> all() const {
    return {out_free,      out_free_tcp,   out_free_udp, out_tight,      out_icmp,  out_tight_tcp,
            out_tight_udp, out_tight_icmp, note_tcp,     note_known_tcp, noted_tcp, note_udp,
            noted_udp,     note_other,     note_echo,    out_passed,     out_error, in,
            in_tcp,        in_udp,         in_icmp,      in_passed,      in_error};
  }
};

/// Where a family has what, and under which names its flows are kept.
struct IpVersion {
  bool is_v4;
  Chains chains;
  nft::Select saddr, daddr, echo_id, fragment;
  unsigned icmp;
  nft::Select icmp_type;
  unsigned echo_request, echo_reply;
  SetName tcp, closing, udp, asked, let_in_tcp, let_in_udp, let_out_tcp, let_out_udp, others_tcp,
      other, echo, let_in_echo, later;
  // The packet that an error tells of.
  nft::Select inner_start, inner_protocol, inner_saddr, inner_daddr, inner_sport, inner_dport,
      inner_echo_id;
  unsigned inner_first, inner_last;  ///< of inner_start: no options
};

IpVersion ipv4();
IpVersion ipv6();

}  // namespace novaplane::security
