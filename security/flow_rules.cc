#include "security/flow_rules.h"

#include <linux/if_ether.h>
#include <netinet/in.h>

#include "dataplane/engine/host/refusal.h"
#include "dataplane/nft/rule.h"
#include "security/ip_version.h"
#include "security/judgement_rules.h"
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

constexpr std::uint16_t kDhcpServer = 67, kDhcpClient = 68, kDhcpv6Client = 546,
                        kDhcpv6Server = 547;

RuleBuilder in(std::string_view chain, std::string why = "") {
  return nft::rule(Family::bridge, chain, std::move(why));
}

RuleBuilder begins(RuleBuilder&& rule) {
  return std::move(rule).is_masked(tcp_flags, nft::kTcpSyn | nft::kTcpAck, nft::kTcpSyn);
}
RuleBuilder goes_on(RuleBuilder&& rule) {
  return std::move(rule).is_not_masked(tcp_flags, nft::kTcpSyn | nft::kTcpAck, nft::kTcpSyn);
}
RuleBuilder is_plain(RuleBuilder&& rule) {
  return std::move(rule).lacks(tcp_flags, nft::kTcpFin | nft::kTcpSyn | nft::kTcpRst);
}

Rule too_many_flows(RuleBuilder&& rule) {
  return refuse(std::move(rule).in({iifname}, kNewFlows.name), Refusal::new_flows);
}

/// The rules of one family and one direction: keys as a port sees its flows.
class FlowRules {
 public:
  FlowRules(const IpVersion& version, Rules& out) : v_(version), c_(version.chains), rules_(out) {}

  void add() {
    add_out();
    add_tight();
    add_notes();
    add_in();
    add_error(c_.out_error, Direction::out);
    add_error(c_.in_error, Direction::in);
  }

 private:
  enum class Direction : std::uint8_t { out, in };

  Key flow(Direction way) const {
    return way == Direction::out ? Key{iifname, v_.saddr, v_.daddr, th_sport, th_dport}
                                 : Key{oifname, v_.daddr, v_.saddr, th_dport, th_sport};
  }
  Key peer(Direction way, Select third) const {
    return way == Direction::out ? Key{iifname, v_.saddr, v_.daddr, third}
                                 : Key{oifname, v_.daddr, v_.saddr, third};
  }
  /// Fragments have the addresses of their packet whichever way they go.
  Key fragment(Direction way) const {
    return {way == Direction::out ? iifname : oifname, v_.saddr, v_.daddr, v_.fragment};
  }
  RuleBuilder later_fragment(RuleBuilder&& rule) const {
    return v_.is_v4 ? std::move(rule).has(ip_frag_off, nft::kIpOffset)
                    : std::move(rule).has(frag_off, nft::kFragOffset);
  }
  RuleBuilder has_more(RuleBuilder&& rule) const {
    return v_.is_v4 ? std::move(rule).has(ip_frag_off, nft::kIpMoreFragments)
                    : std::move(rule).has(frag_more, nft::kFragMore);
  }
  void push(Rule rule) { rules_.push_back(std::move(rule)); }

  void add_later(std::string_view chain, Direction way) {
    push(later_fragment(in(chain)).in(fragment(way), v_.later.name).return_());
    push(refuse(later_fragment(in(chain)), Refusal::lost_start,
                way == Direction::out ? Whose::sender : Whose::receiver));
  }
  void add_passed(std::string_view chain, Direction way) {
    push(has_more(in(chain)).remember(fragment(way), v_.later.name));
  }
  /// The guard decides about discovery and listeners.
  void add_link_messages(std::string_view chain) {
    if (v_.is_v4) return;
    push(in(chain).between(icmpv6_type, nft::kMldQuery, nft::kNeighbourAdvertisement).return_());
    push(in(chain).is(icmpv6_type, nft::kMldReport2).return_());
  }
  RuleBuilder error(RuleBuilder&& rule) const {
    return v_.is_v4 ? std::move(rule).is(icmp_type, nft::kIcmpUnreachable)
                    : std::move(rule).between(icmpv6_type, nft::kIcmpv6Unreachable,
                                              nft::kIcmpv6ParameterProblem);
  }
  void add_errors(std::string_view chain, std::string_view errors) {
    push(error(in(chain)).jump(errors));
    if (!v_.is_v4) return;
    push(in(chain)
             .between(icmp_type, nft::kIcmpTimeExceeded, nft::kIcmpParameterProblem)
             .jump(errors));
  }
  void add_protocols(std::string_view chain, std::string_view tcp, std::string_view udp,
                     std::string_view icmp) {
    push(in(chain).is(l4proto, unsigned{IPPROTO_TCP}).go_to(tcp));
    push(in(chain).is(l4proto, unsigned{IPPROTO_UDP}).go_to(udp));
    push(in(chain).is(l4proto, v_.icmp).go_to(icmp));
    if (v_.is_v4) push(in(chain).is(l4proto, unsigned{IPPROTO_IGMP}).return_());
  }

  /// What belongs to a flow that was noted, or judged, less than five seconds ago: neither is done
  /// again. What begins or ends a flow is noted in any case.
  void add_recent(std::string_view tcp, std::string_view udp) {
    const Key key = flow(Direction::out);
    push(is_plain(in(tcp)).in(key, v_.let_out_tcp.name).go_to(c_.out_passed));
    push(in(udp).in(key, v_.let_out_udp.name).go_to(c_.out_passed));
  }

  /// Where the set is full it is noted with each packet.
  void add_noted(std::string_view chain, SetName let_out) {
    push(in(chain).remember(flow(Direction::out), let_out.name));
    push(in(chain).go_to(c_.out_passed));
  }

  /// All may leave: what leaves is noted.
  void add_out() {
    add_later(c_.out_free, Direction::out);
    add_protocols(c_.out_free, c_.out_free_tcp, c_.out_free_udp, c_.out_icmp);
    push(in(c_.out_free).go_to(c_.note_other));
    add_recent(c_.out_free_tcp, c_.out_free_udp);
    push(in(c_.out_free_tcp).go_to(c_.note_tcp));
    push(in(c_.out_free_udp).go_to(c_.note_udp));
    add_noted(c_.noted_tcp, v_.let_out_tcp);
    add_noted(c_.noted_udp, v_.let_out_udp);
    add_link_messages(c_.out_icmp);
    push(in(c_.out_icmp).go_to(c_.note_echo));
    add_passed(c_.out_passed, Direction::out);
  }

  void add_tight_flow(std::string_view chain, SetName let_out, SetName let_in,
                      std::string_view note) {
    const Key key = flow(Direction::out);
    push(in(chain, "an answer").in(key, let_in.name).go_to(c_.out_passed));
    push(in(chain).jump(kEgress));
    push(in(chain).remember(key, let_out.name));
    push(in(chain).go_to(note));
  }

  void add_tight() {
    add_later(c_.out_tight, Direction::out);
    add_protocols(c_.out_tight, c_.out_tight_tcp, c_.out_tight_udp, c_.out_tight_icmp);
    push(in(c_.out_tight).jump(kEgress));
    push(in(c_.out_tight).go_to(c_.note_other));
    add_recent(c_.out_tight_tcp, c_.out_tight_udp);
    push(in(c_.out_tight_tcp).in(flow(Direction::out), v_.let_out_tcp.name).go_to(c_.note_tcp));
    add_tight_flow(c_.out_tight_tcp, v_.let_out_tcp, v_.let_in_tcp, c_.note_tcp);
    push(in(c_.out_tight_udp, "of the host: others do not get it")
             .is(udp_dport, v_.is_v4 ? kDhcpServer : kDhcpv6Server)
             .return_());
    add_tight_flow(c_.out_tight_udp, v_.let_out_udp, v_.let_in_udp, c_.note_udp);
    add_link_messages(c_.out_tight_icmp);
    push(in(c_.out_tight_icmp)
             .is(v_.icmp_type, v_.echo_reply)
             .in(peer(Direction::out, v_.echo_id), v_.let_in_echo.name)
             .go_to(c_.out_passed));
    add_errors(c_.out_tight_icmp, c_.out_error);
    push(in(c_.out_tight_icmp).jump(kEgress));
    push(in(c_.out_tight_icmp).go_to(c_.note_echo));
  }

  void add_note_tcp() {
    const Key key = flow(Direction::out);
    const auto tcp = [&](std::string why = "") { return in(c_.note_tcp, std::move(why)); };
    push(tcp().in(key, v_.tcp.name).go_to(c_.note_known_tcp));
    push(is_plain(tcp("an answer")).in(key, v_.let_in_tcp.name).go_to(c_.noted_tcp));
    push(goes_on(tcp().in(key, v_.closing.name)).update(key, v_.closing.name).go_to(c_.out_passed));
    push(too_many_flows(begins(tcp())));
    push(begins(tcp()).remember(key, v_.tcp.name, kHalfOpenSeconds).go_to(c_.out_passed));
    const auto from_before = [&](std::string why) {
      return is_plain(tcp(std::move(why)).in({iifname}, kArrived.name))
          .not_in(key, v_.let_in_tcp.name)
          .not_in(key, v_.others_tcp.name);
    };
    push(from_before("an answer, if rules let others ask").jump(kServed));
    push(from_before("a flow from before").remember(key, v_.tcp.name).go_to(c_.out_passed));
    push(tcp("an answer: that is no flow of the guest's").go_to(c_.out_passed));
    const auto known = [&] { return in(c_.note_known_tcp); };
    push(known()
             .has(tcp_flags, nft::kTcpFin | nft::kTcpRst)
             .remember(key, v_.closing.name)
             .forget(key, v_.tcp.name)
             .go_to(c_.out_passed));
    push(known()
             .has(tcp_flags, nft::kTcpSyn)
             .update(key, v_.tcp.name, kHalfOpenSeconds)
             .go_to(c_.out_passed));
    push(known().update(key, v_.tcp.name).go_to(c_.noted_tcp));
  }

  void add_note_udp() {
    const Key key = flow(Direction::out);
    const auto udp = [&](std::string why = "") { return in(c_.note_udp, std::move(why)); };
    push(udp().in(key, v_.udp.name).update(key, v_.udp.name).go_to(c_.noted_udp));
    push(udp("an answer is no question").in(key, v_.let_in_udp.name).go_to(c_.noted_udp));
    push(udp().in(key, v_.asked.name).update(key, v_.asked.name).go_to(c_.noted_udp));
    push(too_many_flows(udp()));
    push(udp().remember(key, v_.asked.name).go_to(c_.out_passed));
    push(udp().go_to(c_.out_passed));
  }

  /// One that is there stays, a new one is one more.
  void add_note(std::string_view chain, const Key& key, SetName set,
                RuleBuilder (*only)(const IpVersion&, RuleBuilder&&)) {
    const auto note = [&] { return only(v_, in(chain)); };
    push(note().in(key, set.name).update(key, set.name).go_to(c_.out_passed));
    push(too_many_flows(note()));
    push(note().remember(key, set.name).go_to(c_.out_passed));
    push(in(chain).go_to(c_.out_passed));
  }

  void add_notes() {
    add_note_tcp();
    add_note_udp();
    add_note(c_.note_other, peer(Direction::out, l4proto), v_.other,
             [](const IpVersion&, RuleBuilder&& rule) { return std::move(rule); });
    add_note(c_.note_echo, peer(Direction::out, v_.echo_id), v_.echo,
             [](const IpVersion& version, RuleBuilder&& rule) {
               return std::move(rule).is(version.icmp_type, version.echo_request);
             });
  }

  void add_in() {
    add_later(c_.in, Direction::in);
    add_protocols(c_.in, c_.in_tcp, c_.in_udp, c_.in_icmp);
    const Key other = peer(Direction::in, l4proto);
    push(in(c_.in).in(other, v_.other.name).update(other, v_.other.name).go_to(c_.in_passed));
    push(in(c_.in).jump(kIngress));
    push(in(c_.in).go_to(c_.in_passed));
    add_in_tcp();
    add_in_udp();
    add_in_icmp();
    add_passed(c_.in_passed, Direction::in);
  }

  void add_in_tcp() {
    const Key key = flow(Direction::in);
    const auto tcp = [&](std::string why = "") { return in(c_.in_tcp, std::move(why)); };
    push(tcp()
             .has(tcp_flags, nft::kTcpFin | nft::kTcpRst)
             .in(key, v_.tcp.name)
             .remember(key, v_.closing.name)
             .forget(key, v_.tcp.name)
             .go_to(c_.in_passed));
    push(tcp("both have spoken")
             .is_masked(tcp_flags, nft::kTcpSyn | nft::kTcpAck, nft::kTcpSyn | nft::kTcpAck)
             .in(key, v_.tcp.name)
             .update(key, v_.tcp.name)
             .go_to(c_.in_passed));
    push(tcp().in(key, v_.tcp.name).go_to(c_.in_passed));
    push(tcp().in(key, v_.let_in_tcp.name).go_to(c_.in_passed));
    push(goes_on(tcp().in(key, v_.closing.name)).go_to(c_.in_passed));
    push(tcp().jump(kIngress));
    push(tcp("others have begun it")
             .in({oifname}, kArrived.name)
             .not_in(key, v_.tcp.name)
             .remember(key, v_.others_tcp.name));
    push(tcp().remember(key, v_.let_in_tcp.name));
    push(tcp().go_to(c_.in_passed));
  }

  void add_in_udp() {
    const Key key = flow(Direction::in);
    const auto udp = [&](std::string why = "") { return in(c_.in_udp, std::move(why)); };
    push(udp().in(key, v_.udp.name).update(key, v_.udp.name).go_to(c_.in_passed));
    push(udp().in(key, v_.let_in_udp.name).go_to(c_.in_passed));
    push(udp("the first answer")
             .in(key, v_.asked.name)
             .remember(key, v_.udp.name)
             .go_to(c_.in_passed));
    push(udp("DHCP")
             .is(udp_sport, v_.is_v4 ? kDhcpServer : kDhcpv6Server)
             .is(udp_dport, v_.is_v4 ? kDhcpClient : kDhcpv6Client)
             .return_());
    push(udp().jump(kIngress));
    push(udp().remember(key, v_.let_in_udp.name));
    push(udp().go_to(c_.in_passed));
  }

  void add_in_icmp() {
    const Key echo = peer(Direction::in, v_.echo_id);
    add_link_messages(c_.in_icmp);
    push(in(c_.in_icmp).is(v_.icmp_type, v_.echo_reply).in(echo, v_.echo.name).go_to(c_.in_passed));
    add_errors(c_.in_icmp, c_.in_error);
    push(in(c_.in_icmp).jump(kIngress));
    push(in(c_.in_icmp).is(v_.icmp_type, v_.echo_request).remember(echo, v_.let_in_echo.name));
    push(in(c_.in_icmp).go_to(c_.in_passed));
  }

  /// An error passes that tells of a flow of the port's. What is inside went the other way: what
  /// the port receives is about what it has sent.
  void add_error(std::string_view chain, Direction way) {
    const bool is_sent = way == Direction::out;
    const Select port = is_sent ? iifname : oifname;
    const Select own = is_sent ? v_.inner_daddr : v_.inner_saddr;
    const Select others = is_sent ? v_.inner_saddr : v_.inner_daddr;
    const Key flow{port, own, others, is_sent ? v_.inner_dport : v_.inner_sport,
                   is_sent ? v_.inner_sport : v_.inner_dport};
    const auto tells = [&] {
      return in(chain).between(v_.inner_start, static_cast<std::uint16_t>(v_.inner_first),
                               static_cast<std::uint16_t>(v_.inner_last));
    };
    const auto of = [&](unsigned protocol, SetName set, const Key& key) {
      push(tells().is(v_.inner_protocol, protocol).in(key, set.name).accept());
    };
    for (const SetName set : {v_.tcp, v_.closing, v_.let_in_tcp}) of(IPPROTO_TCP, set, flow);
    for (const SetName set : {v_.udp, v_.asked, v_.let_in_udp}) of(IPPROTO_UDP, set, flow);
    of(v_.icmp, v_.echo, {port, own, others, v_.inner_echo_id});
    push(tells().in({port, own, others, v_.inner_protocol}, v_.other.name).accept());
  }

  IpVersion v_;
  Chains c_;
  Rules& rules_;
};

/// Where elements lead to: by family, and no further than ARP for what is neither.
void add_roles(const Marks& marks, Rules& rules) {
  const auto by_family = [&](std::string_view chain, std::string_view to4, std::string_view to6) {
    rules.push_back(in(chain).is(ether_type, ETH_P_IP).go_to(to4));
    rules.push_back(in(chain).is(ether_type, ETH_P_IPV6).go_to(to6));
  };
  const Chains four = ipv4().chains, six = ipv6().chains;
  by_family(kOutFree, four.out_free, six.out_free);
  by_family(kOutTight, four.out_tight, six.out_tight);
  rules.push_back(
      in(kInFiltered, "an answer of a translated flow").has(mark, marks.passes()).return_());
  by_family(kInFiltered, four.in, six.in);
  rules.push_back(in(kInFiltered).is(ether_type, ETH_P_ARP).return_());
  rules.push_back(refuse(in(kInFiltered), Refusal::ingress, Whose::receiver));
}

/// With br_netfilter a floating IP of the same bridge is translated behind the egress rules.
void add_translated(const Marks& marks, Rules& rules) {
  rules.push_back(nft::rule(Family::inet, "translated_flows", "answers of translated flows")
                      .has(ct_status, nft::kStatusDnat)
                      .has(ct_state, nft::kStateEstablished | nft::kStateRelated)
                      .in({iifname}, kTrackedBridges.name)
                      .set_mark_bits(marks.passes()));
  rules.push_back(
      refuse(in("condemned")
                 .beside(kGrouped.name)
                 .is_masked(mark, marks.condemned() | marks.passes(), marks.condemned()),
             Refusal::egress));
  rules.push_back(nft::rule(Family::inet, "host_speaks", "its guests know it by this")
                      .in({oifname}, kGroupedBridges.name)
                      .set_mark_bits(marks.host()));
}

template <Field address>
void add_sets(const FlowSets<address>& sets, std::vector<nft::Set>& out) {
  for (const auto* flows :
       {&sets.tcp, &sets.closing, &sets.udp, &sets.asked, &sets.let_in_tcp, &sets.let_in_udp,
        &sets.let_out_tcp, &sets.let_out_udp, &sets.others_tcp}) {
    out.push_back(flows->declared());
  }
  out.push_back(sets.other.declared());
  out.push_back(sets.echo.declared());
  out.push_back(sets.let_in_echo.declared());
  out.push_back(sets.later.declared());
}

std::vector<nft::Chain> chains() {
  // Behind the chain that lets guests speak in their own name only, and behind translation.
  constexpr int kBehindGuard = -295, kBehindBrNetfilter = 10, kLast = 305, kBehindDnat = -90;
  constexpr int kBehindInput = 10;
  constexpr auto kFilter = nft::ChainType::filter;
  std::vector<nft::Chain> chains{
      {Family::bridge, "from_ports", kFilter, nft::Hook::prerouting, kBehindGuard},
      {Family::bridge, "condemned", kFilter, nft::Hook::prerouting, kBehindBrNetfilter},
      {Family::bridge, "to_ports", kFilter, nft::Hook::postrouting, kLast},
      {Family::inet, "translated_flows", kFilter, nft::Hook::prerouting, kBehindDnat},
      {Family::inet, "host_speaks", kFilter, nft::Hook::output, kBehindInput}};
  const auto add = [&](std::string_view name) {
    chains.push_back({.family = Family::bridge, .name = name, .is_base = false});
  };
  for (const std::string_view name : {kOutFree, kOutTight, kInFiltered}) add(name);
  for (const IpVersion& family : {ipv4(), ipv6()}) {
    for (const std::string_view name : family.chains.all()) add(name);
  }
  return chains;
}

}  // namespace

nft::Ruleset flow_ruleset(const Marks& marks) {
  nft::Ruleset ruleset;
  ruleset.sets = {kFromRole.declared(),       kToRole.declared(),        kArrived.declared(),
                  kArriving.declared(),       kGrouped.declared(),       kNewFlows.declared(),
                  kGroupedBridges.declared(), kTrackedBridges.declared()};
  add_sets(kFlows4, ruleset.sets);
  add_sets(kFlows6, ruleset.sets);
  ruleset.chains = chains();
  ruleset.rules.push_back(in("from_ports").jump({iifname}, kFromRole.name));
  ruleset.rules.push_back(in("to_ports").jump({oifname}, kToRole.name));
  add_roles(marks, ruleset.rules);
  add_translated(marks, ruleset.rules);
  for (const IpVersion& version : {ipv4(), ipv6()}) FlowRules(version, ruleset.rules).add();
  return ruleset;
}

}  // namespace novaplane::security
