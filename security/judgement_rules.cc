#include "security/judgement_rules.h"

#include <netinet/in.h>

#include "dataplane/engine/host/metadata.h"
#include "dataplane/engine/host/refusal.h"
#include "dataplane/nft/rule.h"
#include "security/sets.h"

namespace novaplane::security {
namespace {

using engine::Marks;
using engine::Refusal;
using engine::refuse;
using engine::Whose;
using nft::Key;
using nft::Rule;
using nft::RuleBuilder;
using nft::Select;
using enum nft::Select;
using Rules = std::vector<Rule>;

constexpr std::string_view kAnswers = "answers", kPassed = "let_through",
                           kAnswerPassed = "answer_let_through";

/// A way that rules are asked along: the port, and where in a packet the other side stands.
struct Way {
  std::string_view chain;
  Select port;
  Select address4, address6;
  Select service;  ///< the port that the rules speak of
  std::string_view passed;
};

RuleBuilder in(std::string_view chain, std::string why = "") {
  return nft::rule(Family::bridge, chain, std::move(why));
}

/// Of a packet to be judged: the keys of ranges have the ports in the packet's order; of an answer
/// they have them the other way round.
void add_ranges(const Way& way, const RuleSets& sets, Rules& rules) {
  const Select first = way.service == th_dport ? th_sport : th_dport;
  const auto ranges = [&](Select address, SetName set) {
    return in(way.chain)
        .in({priority, address, l4proto, first, way.service}, set.name)
        .go_to(way.passed);
  };
  rules.push_back(ranges(way.address4, sets.ranges4));
  rules.push_back(ranges(way.address6, sets.ranges6));
}

/// The number of the port's groups is kept in the packet's priority meanwhile.
void add_own_groups(const Way& way, const RuleSets& sets, Rules& rules) {
  const auto rule = [&] { return in(way.chain); };
  rules.push_back(rule().set(priority, {way.port}, kGroupsOf.name));
  rules.push_back(rule().in({priority}, sets.all.name).go_to(way.passed));
  rules.push_back(rule().in({priority, l4proto}, sets.protocols.name).go_to(way.passed));
  rules.push_back(rule().in({priority, l4proto, way.service}, sets.ports.name).go_to(way.passed));
}

void add_types(const Way& way, const RuleSets& sets, Rules& rules) {
  rules.push_back(in(way.chain).in({priority, icmp_type}, sets.types4.name).go_to(way.passed));
  rules.push_back(in(way.chain).in({priority, icmpv6_type}, sets.types6.name).go_to(way.passed));
}

/// Then the number of the other side's groups.
void add_others_groups(const Way& way, const RuleSets& sets, Rules& rules) {
  const auto rule = [&] { return in(way.chain); };
  const Select first = way.service == th_dport ? th_sport : th_dport;
  rules.push_back(rule().set_priority(0));
  rules.push_back(rule().set(priority, {way.address4}, kMember4.name));
  rules.push_back(rule().set(priority, {way.address6}, kMember6.name));
  rules.push_back(rule().in({way.port, priority}, sets.group.name).go_to(way.passed));
  rules.push_back(
      rule().in({way.port, priority, l4proto}, sets.group_protocols.name).go_to(way.passed));
  rules.push_back(rule()
                      .in({way.port, priority, l4proto, way.service}, sets.group_ports.name)
                      .go_to(way.passed));
  rules.push_back(rule()
                      .in({way.port, priority, l4proto, first, way.service}, sets.group_ranges.name)
                      .go_to(way.passed));
}

/// Table inet decides what of the host a guest may reach. That is noted as any other flow: of a
/// pair the host is another one, which answers by the wire. What is refused here may yet be a
/// translated flow's (chain condemned).
void add_egress(Rules& rules) {
  const Way way{kEgress, iifname, ip_daddr, ip6_daddr, th_dport, kPassed};
  const auto host = [] { return in(kEgress, "to its host"); };
  rules.push_back(host().is(ip_daddr, engine::kMetadataAddress).go_to(kPassed));
  rules.push_back(host().in({iifname, ip_daddr}, kOwnHost4.name).go_to(kPassed));
  rules.push_back(host().in({iifname, ip6_daddr}, kOwnHost6.name).go_to(kPassed));
  add_own_groups(way, kOut, rules);
  add_types(way, kOut, rules);
  add_ranges(way, kOut, rules);
  add_others_groups(way, kOut, rules);
  rules.push_back(in(kEgress).go_to(kAnswers));
}

/// What a port with few rights to send says to those whom it serves: the rules of what it receives,
/// read backwards.
void add_answers(const Marks& marks, Rules& rules) {
  const Way way{kAnswers, iifname, ip_daddr, ip6_daddr, th_sport, kAnswerPassed};
  const auto condemned = [&](RuleBuilder&& rule) {
    return std::move(rule).set_priority(0).set_mark_bits(marks.condemned()).accept();
  };
  rules.push_back(condemned(in(kAnswers, "begins a flow")
                                .is_masked(tcp_flags, nft::kTcpSyn | nft::kTcpAck, nft::kTcpSyn)));
  rules.push_back(condemned(in(kAnswers).is(l4proto, unsigned{IPPROTO_ICMP})));
  rules.push_back(condemned(in(kAnswers).is(l4proto, unsigned{IPPROTO_ICMPV6})));
  add_own_groups(way, kIn, rules);
  add_ranges(way, kIn, rules);
  add_others_groups(way, kIn, rules);
  rules.push_back(condemned(in(kAnswers)));
}

/// Returns with what the port's rules let nobody ask for: the port began that itself.
void add_served(Rules& rules) {
  const Way way{kServed, iifname, ip_daddr, ip6_daddr, th_sport, kAnswerPassed};
  add_own_groups(way, kIn, rules);
  add_ranges(way, kIn, rules);
  add_others_groups(way, kIn, rules);
  rules.push_back(in(kServed).set_priority(0));
}

/// What no rule lets in may be the answer to a flow that the guest began before anybody noted it.
/// What a rule lets in is not: the flow ends with its rule.
void add_flows_from_before(Rules& rules) {
  const auto from_before = [&](Select own, Select others, SetName begun, SetName by_others) {
    const Key flow{oifname, own, others, th_dport, th_sport};
    rules.push_back(in(kIngress, "a flow from before")
                        .lacks(tcp_flags, nft::kTcpFin | nft::kTcpSyn | nft::kTcpRst)
                        .in({oifname}, kArriving.name)
                        .not_in(flow, by_others.name)
                        .remember(flow, begun.name)
                        .go_to(kPassed));
  };
  from_before(ip_daddr, ip_saddr, kFlows4.tcp, kFlows4.others_tcp);
  from_before(ip6_daddr, ip6_saddr, kFlows6.tcp, kFlows6.others_tcp);
}

/// A guest of another network that is translated to its gateway's address passes by what is for
/// all only: else it would pass by a rule for the network's own range.
void add_ingress(const Marks& marks, Rules& rules) {
  const Way way{kIngress, oifname, ip_saddr, ip6_saddr, th_dport, kPassed};
  rules.push_back(in(kIngress, "its host: DHCP, DNS, answers").has(mark, marks.host()).return_());
  add_own_groups(way, kIn, rules);
  add_types(way, kIn, rules);
  const auto translated = [](Select address, SetName set) {
    return refuse(
        in(kIngress, "a guest that is seen as the gateway").in({oifname, address}, set.name),
        Refusal::ingress, Whose::receiver);
  };
  rules.push_back(translated(ip_saddr, kOwnHost4));
  rules.push_back(translated(ip6_saddr, kOwnHost6));
  add_ranges(way, kIn, rules);
  add_others_groups(way, kIn, rules);
  add_flows_from_before(rules);
  rules.push_back(refuse(in(kIngress), Refusal::ingress, Whose::receiver));
}

void add_sets(const RuleSets& sets, std::vector<nft::Set>& out) {
  for (const nft::Set& set :
       {sets.all.declared(), sets.protocols.declared(), sets.ports.declared(),
        sets.types4.declared(), sets.types6.declared(), sets.ranges4.declared(),
        sets.ranges6.declared(), sets.group.declared(), sets.group_protocols.declared(),
        sets.group_ports.declared(), sets.group_ranges.declared()}) {
    out.push_back(set);
  }
}

}  // namespace

nft::Ruleset judgement_ruleset(const Marks& marks) {
  nft::Ruleset ruleset;
  ruleset.sets = {kGroupsOf.declared(), kOwnHost4.declared(), kOwnHost6.declared(),
                  kMember4.declared(), kMember6.declared()};
  add_sets(kIn, ruleset.sets);
  add_sets(kOut, ruleset.sets);
  for (const std::string_view name :
       {kEgress, kAnswers, kIngress, kServed, kPassed, kAnswerPassed}) {
    ruleset.chains.push_back({.family = Family::bridge, .name = name, .is_base = false});
  }
  add_egress(ruleset.rules);
  add_answers(marks, ruleset.rules);
  add_ingress(marks, ruleset.rules);
  add_served(ruleset.rules);
  ruleset.rules.push_back(in(kPassed).set_priority(0));
  ruleset.rules.push_back(in(kAnswerPassed).set_priority(0).accept());
  return ruleset;
}

}  // namespace novaplane::security
