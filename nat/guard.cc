#include "nat/guard.h"

#include "dataplane/nft/rule.h"
#include "nat/sets.h"

namespace novaplane::nat {
namespace {

using nft::Rule;
using nft::Select;
using enum nft::Select;

constexpr std::uint8_t kTcp = 6, kUdp = 17;

std::vector<nft::Set> sets() {
  return {
      kTranslating.declared(),     kPrivateRanges.declared(),  kPrivateRanges6.declared(),
      kSnatAddresses.declared(),   kSnatAddresses6.declared(), kForwardAddresses.declared(),
      kForwardServices.declared(),
  };
}

std::vector<nft::Chain> chains() {
  // Behind IPVS (98), which takes what is sent to addresses of the host and has no sockets.
  constexpr int kBehindIpvs = 110, kBehindTranslation = 160;
  constexpr auto kFilter = nft::ChainType::filter;
  return {{Family::inet, "unclaimed", kFilter, nft::Hook::input, kBehindIpvs},
          {Family::inet, "private", kFilter, nft::Hook::postrouting, kBehindTranslation}};
}

nft::RuleBuilder unclaimed(std::string why) {
  return nft::rule(Family::inet, "unclaimed", std::move(why));
}

/// A map cannot be asked without a use for its answer: the packet that it is written to is dropped.
std::vector<Rule> floating_rules() {
  return {
      unclaimed("to a floating IP, not translated")
          .set(ip_saddr, {ip_daddr}, kFloatingToFixed.name)
          .drop(),
      unclaimed("to a floating IP, not translated")
          .set(ip6_saddr, {ip6_daddr}, kFloating6ToFixed.name)
          .drop(),
      unclaimed("to a port forward's address, not translated")
          .in({ip_daddr}, kForwardAddresses.name)
          .drop(),
  };
}

/// The host's own addresses: what its sockets take is its own, and so are new connections, which it
/// refuses itself. The rest was a guest's.
std::vector<Rule> own_address_rules() {
  const auto guests = [](Select destination, SetName addresses, std::uint8_t protocol) {
    return unclaimed("to a source of SNAT, not translated")
        .in({destination}, addresses.name)
        .is(l4proto, protocol)
        .drop();
  };
  return {
      unclaimed("").has(ct_state, nft::kStateEstablished | nft::kStateRelated).accept(),
      unclaimed("to a port forward, not translated")
          .in({ip_daddr, l4proto, th_dport}, kForwardServices.name)
          .drop(),
      unclaimed("not from an uplink").not_in({iifname}, kUplinks.name).return_(),
      unclaimed("a socket of the host").between(socket_transparent, 0, 1).accept(),
      unclaimed("a new connection to the host")
          .has(tcp_flags, nft::kTcpSyn)
          .lacks(tcp_flags, nft::kTcpAck)
          .accept(),
      guests(ip_daddr, kSnatAddresses, kTcp),
      guests(ip_daddr, kSnatAddresses, kUdp),
      guests(ip6_daddr, kSnatAddresses6, kTcp),
      guests(ip6_daddr, kSnatAddresses6, kUdp),
  };
}

/// What is translated is told by its flow. That a flow is established proves nothing: two guests of
/// one bridge make one among themselves, where the bridge's frames pass conntrack.
std::vector<Rule> private_rules() {
  const auto leaving = [](std::string why) {
    return nft::rule(Family::inet, "private", std::move(why));
  };
  const auto inside = [&](Select destination, SetName ranges) {
    return leaving("stays inside")
        .in({oifname}, kUplinkBridges.name)
        .in({destination}, ranges.name);
  };
  return {
      leaving("translated").has(ct_status, nft::kStatusSnat | nft::kStatusDnat).accept(),
      leaving("force_snat, not translated")
          .in({iifname}, kManaged.name)
          .not_in({oifname}, kManaged.name)
          .in({ip_daddr}, kForceSnat.name)
          .drop(),
      leaving("nothing is translated there").not_in({oifname}, kTranslating.name).return_(),
      leaving("a source of SNAT").in({ip_saddr}, kSnatAddresses.name).accept(),
      leaving("a source of SNAT").in({ip6_saddr}, kSnatAddresses6.name).accept(),
      leaving("metadata sees the guest itself")
          .in({ip_daddr, tcp_dport}, kMetadataServers.name)
          .accept(),
      leaving("no_snat").in({ip_daddr}, kNoSnat.name).accept(),
      leaving("no_snat").in({ip6_daddr}, kNoSnat6.name).accept(),
      inside(ip_daddr, kInside).accept(),
      inside(ip6_daddr, kInside6).accept(),
      leaving("passed by the bridge, or the host's own")
          .in({oifname}, kUplinkBridges.name)
          .not_in({iifname}, kManaged.name)
          .accept(),
      leaving("a guest's own address").in({ip_saddr}, kPrivateRanges.name).drop(),
      leaving("a guest's own address").in({ip6_saddr}, kPrivateRanges6.name).drop(),
  };
}

}  // namespace

nft::Ruleset guard_ruleset() {
  nft::Ruleset ruleset{sets(), chains(), {}};
  for (auto* rules : {floating_rules, own_address_rules, private_rules}) {
    ruleset.merge({{}, {}, rules()});
  }
  return ruleset;
}

}  // namespace novaplane::nat
