#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "dataplane/nft/ruleset.h"

namespace novaplane::nft {

/// Writes a rule as one would in nft:
///
///     using enum Select;
///     rule(Family::inet, "prerouting", "floating IP to its fixed address")
///         .dnat({ip_daddr}, "floating_to_fixed"),
///     rule(Family::inet, "input", "what the host serves to guests")
///         .in({iifname, ip_daddr, l4proto, th_dport}, "host_services").accept(),
///     rule(Family::bridge, "prerouting", "no DHCP from the wire")
///         .in({iifname}, "wire").between(udp_dport, 67, 68).drop(),
///
/// Names are string literals. What a selector needs (IPv4, ARP, UDP...) is checked by itself.
class RuleBuilder {
 public:
  RuleBuilder(Family family, std::string_view chain, std::string comment)
      : rule_{family, chain, std::move(comment), {}, {}} {}

  // Matches: the rule goes on where they hold.
  RuleBuilder&& in(Key key, std::string_view set) &&;
  RuleBuilder&& not_in(Key key, std::string_view set) &&;
  RuleBuilder&& is(Select, const IpAddress&) &&;
  RuleBuilder&& is(Select, const Mac&) &&;
  RuleBuilder&& is(Select, std::string_view link) &&;
  RuleBuilder&& is(Select, unsigned number) &&;  ///< a port, a protocol, an ICMP type, a group
  RuleBuilder&& is_not(Select, unsigned number) &&;
  RuleBuilder&& is_masked(Select, std::uint32_t mask, std::uint32_t value) &&;  ///< group, flags
  RuleBuilder&& is_not_masked(Select, std::uint32_t mask, std::uint32_t value) &&;
  RuleBuilder&& is_masked(Select, const Mac& mask, const Mac& value) &&;
  /// Ports, ICMP types, lengths.
  RuleBuilder&& between(Select, std::uint16_t first, std::uint16_t last) &&;
  RuleBuilder&& between(Select, const IpAddress& first, const IpAddress& last) &&;
  RuleBuilder&& between(Select, const Mac& first, const Mac& last) &&;
  RuleBuilder&& within(Select, const Prefix&) &&;
  RuleBuilder&& not_within(Select, const Prefix&) &&;
  RuleBuilder&& has(Select,
                    std::uint32_t any_of_the_bits) &&;  ///< mark, ct_state, ct_status, ct_mark
  RuleBuilder&& lacks(Select, std::uint32_t bits) &&;
  RuleBuilder&& ipv4() &&;  ///< for rules that look at nothing of the address
  RuleBuilder&& ipv6() &&;

  // What is done to the packet.
  RuleBuilder&& set_mark_bits(std::uint32_t bits) &&;
  RuleBuilder&& clear_mark_bits(std::uint32_t bits) &&;
  RuleBuilder&& set_flow_mark_bits(std::uint32_t bits) &&;
  RuleBuilder&& set_pkttype_host() &&;
  RuleBuilder&& set_priority(std::uint32_t number) &&;
  RuleBuilder&& set(Select target, Key key, std::string_view map) &&;
  RuleBuilder&& dnat(Key key, std::string_view map) &&;
  RuleBuilder&& dnat_with_port(Key key, std::string_view map) &&;  ///< data: address . port
  RuleBuilder&& dnat(const IpAddress&, std::uint16_t port = 0) &&;
  RuleBuilder&& snat(Key key, std::string_view map) &&;
  RuleBuilder&& dnat6(Key key, std::string_view map) &&;  ///< data: IPv6 addresses
  RuleBuilder&& snat6(Key key, std::string_view map) &&;
  RuleBuilder&& snat(const IpAddress&) &&;
  RuleBuilder&& masquerade() &&;
  RuleBuilder&& notrack() &&;
  RuleBuilder&& jump(Key key, std::string_view map) &&;  ///< data: a verdict
  RuleBuilder&& jump(std::string_view chain) &&;
  RuleBuilder&& go_to(std::string_view chain) &&;  ///< and not back
  /// Into a set with a timeout. Where the set is full the rule ends here: so it comes last, or
  /// before what another rule says too.
  RuleBuilder&& update(Key key, std::string_view set, std::uint32_t timeout_seconds = 0) &&;
  /// Likewise, but what is there keeps its time.
  RuleBuilder&& remember(Key key, std::string_view set, std::uint32_t timeout_seconds = 0) &&;
  RuleBuilder&& forget(Key key, std::string_view set) &&;
  /// Goes on with what exceeds the allowance of its element, which comes with its first packet.
  /// Where the set is full the rule ends here.
  RuleBuilder&& beyond(Key key, std::string_view set) &&;

  /// The rule is for nothing while that set has no elements.
  RuleBuilder&& beside(std::string_view set) &&;

  RuleBuilder&& accept() &&;
  RuleBuilder&& drop() &&;
  RuleBuilder&& return_() &&;

  operator Rule() && { return std::move(rule_); }

 private:
  RuleBuilder&& add(Expression expression);

  Rule rule_;
};

inline RuleBuilder rule(Family family, std::string_view chain, std::string comment) {
  return {family, chain, std::move(comment)};
}

/// As nft prints it: `iifname @managed tcp dport 80 dnat ip to 127.0.0.1:8775 comment "metadata"`.
std::string to_text(const Rule&);

/// As `nft -f` reads them: "add set inet novaplane managed { type ifname; }".
std::string declaration_of_set(const Ruleset&, Family, std::string_view name);
std::string declaration_of_chain(const Ruleset&, Family, std::string_view name);

/// One of the ruleset's tables as `nft -f` reads it, without elements.
std::string to_text(const Ruleset&, Family);

}  // namespace novaplane::nft
