#include "nat/marks.h"

#include "dataplane/netlink/messages.h"
#include "dataplane/nft/rule.h"
#include "nat/sets.h"

/// A flow's conntrack mark holds the number of the uplink by which it came in or left first;
/// packets of it bear the number again before they are routed. nf_tables of Linux 6.1
/// cannot combine two values that come from a packet, so numbers are copied bit by bit: four rules,
/// whatever the number of uplinks; and an address leads to its number by a chain for each number,
/// since a mark from a map would be the whole mark, with others' bits in it.
///
/// On a host with one uplink the sets are empty, and none of these rules is there.
namespace novaplane::nat {
namespace {

using nft::rule;
using nft::Rule;
using enum nft::Select;
using engine::Marks;

constexpr std::uint32_t kBits = 4;

constexpr std::string_view kChains[Marks::kMost] = {
    "by_uplink_1",  "by_uplink_2",  "by_uplink_3",  "by_uplink_4",  "by_uplink_5",
    "by_uplink_6",  "by_uplink_7",  "by_uplink_8",  "by_uplink_9",  "by_uplink_10",
    "by_uplink_11", "by_uplink_12", "by_uplink_13", "by_uplink_14", "by_uplink_15"};

using Rules = std::vector<Rule>;

constexpr std::string_view kOfAnUplink = "of_an_uplink", kFromMarked = "from_marked_uplink";
constexpr auto kStays = "a flow stays on its uplink";

/// Packets of a flow that belongs to an uplink bear that uplink's number, and no other.
void restore(const Marks& marks, Rules& rules) {
  rules.push_back(rule(Family::inet, kOfAnUplink, kStays).clear_mark_bits(marks.any_uplink()));
  for (std::uint32_t i = 0; i < kBits; ++i) {
    rules.push_back(rule(Family::inet, kOfAnUplink, kStays)
                        .beside(kUplinkBits[i].name)
                        .has(ct_mark, marks.uplink(1u << i))
                        .set_mark_bits(marks.uplink(1u << i)));
  }
}

/// New flows from an uplink belong to it: answers leave by where the question came in.
void keep_inbound(const Marks& marks, Rules& rules) {
  const auto inbound = [](std::string why) {
    return rule(Family::inet, kFromMarked, std::move(why));
  };
  rules.push_back(inbound("known already").lacks(ct_state, nft::kStateNew).return_());
  rules.push_back(inbound("may move to another uplink").in({ip_daddr}, kMovable.name).return_());
  for (std::uint32_t i = 0; i < kBits; ++i) {
    rules.push_back(inbound("belongs to the uplink that it came in by")
                        .in({iifname}, kUplinkBits[i].name)
                        .set_flow_mark_bits(marks.uplink(1u << i)));
  }
}

/// After translation: what bears an uplink's address belongs to it. What is not translated, or to a
/// floating IP of no uplink in particular, can leave by any.
void keep_outbound(const Marks& marks, Rules& rules) {
  const auto outbound = [](std::string why) {
    return rule(Family::inet, "translated", std::move(why));
  };
  rules.push_back(
      outbound("known already").beside(kMarked.name).has(ct_mark, marks.any_uplink()).return_());
  rules.push_back(outbound("no uplink of several").not_in({oifname}, kMarked.name).return_());
  rules.push_back(outbound("by the main table").ipv6().return_());
  rules.push_back(outbound("may move to another uplink").in({ip_saddr}, kMovable.name).return_());
  rules.push_back(outbound("may move to another uplink")
                      .in({iifname}, kManaged.name)
                      .lacks(ct_status, nft::kStatusSnat)
                      .return_());
  for (std::uint32_t i = 0; i < kBits; ++i) {
    rules.push_back(outbound("belongs to the uplink that it leaves by")
                        .in({oifname}, kUplinkBits[i].name)
                        .set_flow_mark_bits(marks.uplink(1u << i)));
  }
}

}  // namespace

std::string_view chain_of_uplink(std::uint32_t number) { return kChains[number - 1]; }

std::vector<nft::Chain> mark_chains() {
  std::vector<nft::Chain> chains;
  for (const std::string_view name : {kOfAnUplink, kFromMarked}) {
    chains.push_back({.family = Family::inet, .name = name, .is_base = false});
  }
  for (const std::string_view name : kChains) {
    chains.push_back({.family = Family::inet, .name = name, .is_base = false});
  }
  return chains;
}

/// Most packets are of a flow that is known: they meet the first rules only.
std::vector<Rule> mark_rules(const Marks& marks) {
  Rules rules;
  const auto arriving = [](std::string why) {
    return rule(Family::inet, "uplink", std::move(why));
  };
  const auto known = [&](std::string why) {
    return arriving(std::move(why)).beside(kMarked.name).has(ct_mark, marks.any_uplink());
  };
  rules.push_back(known(kStays).is(iifgroup, netlink::kOurGroup).go_to(kOfAnUplink));
  rules.push_back(known("known already; to guests the main table leads").return_());
  rules.push_back(arriving("a floating IP leaves by its own uplink")
                      .in({iifname}, kManaged.name)
                      .jump({ip_saddr}, kUplinkOf.name));
  for (std::uint32_t number = 1; number <= Marks::kMost; ++number) {
    rules.push_back(rule(Family::inet, chain_of_uplink(number), "")
                        .clear_mark_bits(marks.any_uplink())
                        .set_mark_bits(marks.uplink(number)));
  }
  rules.push_back(
      arriving("the main table knows its one way").not_in({iifname}, kTracked.name).return_());
  rules.push_back(arriving("by the main table").ipv6().return_());
  rules.push_back(arriving("from an uplink").in({iifname}, kMarked.name).go_to(kFromMarked));
  keep_inbound(marks, rules);
  for (std::uint32_t i = 0; i < kBits; ++i) {
    rules.push_back(arriving("its network's order of uplinks")
                        .in({iifname}, kPreferenceBits[i].name)
                        .set_mark_bits(marks.preference(1u << i)));
  }
  rules.push_back(rule(Family::inet, "host", kStays)
                      .beside(kMarked.name)
                      .has(ct_mark, marks.any_uplink())
                      .go_to(kOfAnUplink));
  restore(marks, rules);
  keep_outbound(marks, rules);
  return rules;
}

}  // namespace novaplane::nat
