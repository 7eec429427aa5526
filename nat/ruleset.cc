#include "dataplane/engine/host/metadata.h"
#include "dataplane/nft/rule.h"
#include "nat/guard.h"
#include "nat/marks.h"
#include "nat/nat.h"
#include "nat/sets.h"

/// The static part of the translation: prerouting, output and postrouting of table inet.
namespace novaplane::nat {
namespace {

using nft::rule;
using nft::Rule;
using enum nft::Select;
using engine::Marks;

std::vector<nft::Set> sets() {
  return {
      kUplinks.declared(),           kUplinkSource.declared(),      kSnatSource.declared(),
      kPairRanges.declared(),        kHairpinSource.declared(),     kNoSnat.declared(),
      kForceSnat.declared(),         kFloatingToFixed.declared(),   kFixedToFloating.declared(),
      kUplinkOf.declared(),          kTracked.declared(),           kMarked.declared(),
      kMovable.declared(),           kUplinkBits[0].declared(),     kUplinkBits[1].declared(),
      kUplinkBits[2].declared(),     kUplinkBits[3].declared(),     kPreferenceBits[0].declared(),
      kPreferenceBits[1].declared(), kPreferenceBits[2].declared(), kPreferenceBits[3].declared(),
      kSnatSource6.declared(),       kNoSnat6.declared(),           kFloating6ToFixed.declared(),
      kFixedToFloating6.declared(),  kPortForwards.declared(),      kMetadata.declared(),
      kMetadataServers.declared(),   kArrivalLimits.declared(),     kDepartureLimits.declared(),
      kArrivalLimits6.declared(),    kDepartureLimits6.declared(),
  };
}

constexpr std::string_view kLeaving = "leaving", kAskedFor = "asked_for", kArrivals = "arrivals",
                           kDepartures = "departures";

std::vector<nft::Chain> chains() {
  using enum nft::Hook;
  constexpr auto kNat = nft::ChainType::nat;
  return {
      {Family::inet, "uplink", nft::ChainType::filter, prerouting, -150},
      {Family::inet, "host", nft::ChainType::route, output, -150},
      {Family::inet, "prerouting", kNat, prerouting, -100},
      {Family::inet, "output", kNat, output, -100},
      {Family::inet, "postrouting", kNat, postrouting, 100},
      {.family = Family::inet, .name = kArrivals, .is_base = false},
      {.family = Family::inet, .name = kDepartures, .is_base = false},
      {.family = Family::inet, .name = kLeaving, .is_base = false},
      {.family = Family::inet, .name = kAskedFor, .is_base = false},
      {Family::inet, "translated", nft::ChainType::filter, postrouting, 150},
  };
}

/// What is sent to a public address, by guests and from outside (prerouting) or by the host itself.
std::vector<Rule> destination_rules(std::string_view chain) {
  return {
      rule(Family::inet, chain, "port forwards")
          .dnat_with_port({ip_daddr, l4proto, th_dport}, kPortForwards.name),
      rule(Family::inet, chain, "floating IPs").dnat({ip_daddr}, kFloatingToFixed.name),
      rule(Family::inet, chain, "floating IPs").dnat6({ip6_daddr}, kFloating6ToFixed.name),
  };
}

std::vector<Rule> guest_rules() {
  return {
      rule(Family::inet, "prerouting", "gateway_mode none: pure layer 2")
          .in({iifname}, kLayer2.name)
          .return_(),
      rule(Family::inet, "prerouting", "metadata")
          .is(ip_daddr, engine::kMetadataAddress)
          .in({iifname}, kManaged.name)
          .dnat_with_port({ip_daddr, tcp_dport}, kMetadata.name),
  };
}

/// Where a packet bears the floating IP itself: before its destination is translated, and after its
/// source is.
std::vector<Rule> limit_rules() {
  const auto limit = [](std::string_view chain, nft::Select address, SetName limits) {
    return rule(Family::inet, chain, "more than a floating IP's rate")
        .in({address}, limits.name)
        .drop();
  };
  return {
      rule(Family::inet, "uplink", "from an uplink").in({iifname}, kUplinks.name).jump(kArrivals),
      limit(kArrivals, ip_daddr, kArrivalLimits),
      limit(kArrivals, ip6_daddr, kArrivalLimits6),
      rule(Family::inet, "translated", "by an uplink")
          .in({oifname}, kUplinks.name)
          .jump(kDepartures),
      limit(kDepartures, ip_saddr, kDepartureLimits),
      limit(kDepartures, ip6_saddr, kDepartureLimits6),
  };
}

/// A bridge that is an uplink too has guests and the world on one side: what stays inside is
/// translated as among guests, what leaves as by any uplink.
std::vector<Rule> uplink_bridge_rules(const Marks& marks) {
  const auto inside = [](std::string why, nft::Select to, SetName ranges) {
    return rule(Family::inet, "postrouting", std::move(why))
        .in({oifname}, kUplinkBridges.name)
        .in({to}, ranges.name);
  };
  return {
      inside("a guest's own floating IP towards a neighbour's", ip_daddr, kInside)
          .has(ct_status, nft::kStatusDnat)
          .snat({ip_saddr}, kFixedToFloating.name),
      inside("a guest's own floating IP towards a neighbour's", ip6_daddr, kInside6)
          .has(ct_status, nft::kStatusDnat)
          .snat6({ip6_saddr}, kFixedToFloating6.name),
      inside("hairpin", ip_daddr, kInside)
          .has(ct_status, nft::kStatusDnat)
          .in({iifname}, kManaged.name)
          .lacks(mark, marks.trusted())
          .masquerade(),
      inside("hairpin", ip6_daddr, kInside6)
          .has(ct_status, nft::kStatusDnat)
          .in({iifname}, kManaged.name)
          .lacks(mark, marks.trusted())
          .masquerade(),
      // A caller on the guests' own range would be answered past the host.
      inside("hairpin", ip_daddr, kInside)
          .has(ct_status, nft::kStatusDnat)
          .in({ip_saddr}, kInside.name)
          .masquerade(),
      inside("hairpin", ip6_daddr, kInside6)
          .has(ct_status, nft::kStatusDnat)
          .in({ip6_saddr}, kInside6.name)
          .masquerade(),
      inside("stays inside", ip_daddr, kInside).return_(),
      inside("stays inside", ip6_daddr, kInside6).return_(),
      rule(Family::inet, "postrouting", "not a guest's")
          .in({oifname}, kUplinkBridges.name)
          .in({iifname}, kUplinkBridges.name)
          .has(mark, marks.trusted())
          .return_(),
  };
}

/// What leaves by an uplink. What none of these translates goes on in postrouting.
std::vector<Rule> leaving_rules() {
  const auto leaving = [](std::string why) { return rule(Family::inet, kLeaving, std::move(why)); };
  return {
      leaving("metadata sees the guest itself")
          .in({ip_daddr, tcp_dport}, kMetadataServers.name)
          .accept(),
      leaving("no_snat").in({ip_daddr}, kNoSnat.name).accept(),
      leaving("no_snat").in({ip6_daddr}, kNoSnat6.name).accept(),
      leaving("floating IPs").snat({ip_saddr}, kFixedToFloating.name),
      leaving("floating IPs").snat6({ip6_saddr}, kFixedToFloating6.name),
      leaving("SNAT").snat({iifname, oifname}, kSnatSource.name),
      leaving("SNAT").snat6({iifname, oifname}, kSnatSource6.name),
  };
}

/// What goes to a guest by an address that was translated.
std::vector<Rule> asked_for_rules(const Marks& marks) {
  const auto asked_for = [](std::string why) {
    return rule(Family::inet, kAskedFor, std::move(why));
  };
  const auto hairpin = [&] { return asked_for("hairpin"); };
  return {
      asked_for("a guest's own floating IP towards a neighbour's")
          .snat({ip_saddr}, kFixedToFloating.name),
      asked_for("a guest's own floating IP towards a neighbour's")
          .snat6({ip6_saddr}, kFixedToFloating6.name),
      // By whichever host the caller is reached: the answer has to come back by this one.
      hairpin().in({ip_saddr}, kPairRanges.name).snat({oifname}, kHairpinSource.name),
      hairpin().in({iifname}, kManaged.name).not_in({iifname}, kUplinkBridges.name).masquerade(),
      hairpin().in({iifname}, kUplinkBridges.name).lacks(mark, marks.trusted()).masquerade(),
  };
}

/// With br_netfilter on, bridged frames pass here without an iifname: so a match on oifname
/// decides, and nothing that stays inside is translated unless its destination was.
std::vector<Rule> source_rules() {
  const auto source = [](std::string why) {
    return rule(Family::inet, "postrouting", std::move(why));
  };
  return {
      source("out by an uplink").in({oifname}, kUplinks.name).jump(kLeaving),
      source("force_snat")
          .in({oifname}, kUplinkBridges.name)
          .in({iifname}, kManaged.name)
          .in({ip_daddr}, kForceSnat.name)
          .snat({oifname}, kUplinkSource.name),
      source("force_snat")
          .in({iifname}, kManaged.name)
          .not_in({oifname}, kManaged.name)
          .in({ip_daddr}, kForceSnat.name)
          .snat({oifname}, kUplinkSource.name),
      source("force_snat")
          .in({iifname}, kManaged.name)
          .not_in({oifname}, kManaged.name)
          .in({ip_daddr}, kForceSnat.name)
          .masquerade(),
      source("to a guest, by a translated address")
          .has(ct_status, nft::kStatusDnat)
          .in({oifname}, kManaged.name)
          .jump(kAskedFor),
  };
}

}  // namespace

nft::Ruleset Nat::ruleset(const Marks& marks) const {
  nft::Ruleset ruleset{sets(), chains(), {}};
  ruleset.merge({{}, mark_chains(), {}});
  ruleset.merge(guard_ruleset());
  for (const auto& rules :
       {limit_rules(), mark_rules(marks), guest_rules(), destination_rules("prerouting"),
        destination_rules("output"), uplink_bridge_rules(marks), source_rules(), leaving_rules(),
        asked_for_rules(marks)}) {
    ruleset.merge({{}, {}, rules});
  }
  return ruleset;
}

}  // namespace novaplane::nat
