#include "nat/egress.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/engine/elements.h"
#include "dataplane/engine/host/egress.h"
#include "dataplane/engine/host/presence.h"
#include "nat/public_address.h"
#include "nat/sets.h"

namespace novaplane::nat {
namespace {

using engine::Context;
using engine::Elements;
using engine::Rows;

constexpr std::uint32_t kMainTable = 254;
constexpr std::uint32_t kUplinkRules = 27902, kPreferenceRules = 27950, kSourceRules = 28000,
                        kHostRules = 28050;
constexpr std::uint32_t kRulesEach = 3;
constexpr bool kButDefault = true;

/// What the main table knows better than by a default route (other networks, the host's neighbours)
/// still goes there.
void add_rules(std::uint32_t priority, std::uint32_t mark, std::uint32_t mask, std::uint32_t table,
               Rows& out) {
  constexpr bool kUnreachable = true;
  out.policy_rules.push_back({priority, {mark, kMainTable, kButDefault, mask}});
  out.policy_rules.push_back({priority + 1, {mark, table, !kButDefault, mask}});
  out.policy_rules.push_back({priority + 2, {mark, 0, !kButDefault, mask, kUnreachable}});
}

template <std::size_t N>
void add_bits(Elements& elements, const SetOf<Field::ifname> (&sets)[N], std::uint32_t number,
              const std::string& interface) {
  for (std::size_t i = 0; i < N; ++i) {
    if (number & 1u << i) elements.add(sets[i], {interface});
  }
}

/// Two routers on one NIC: flows bear the same address by both, and so can move; what left by the
/// NIC says nothing of which router took it.
bool is_alone_on_its_interface(const cloud::Host& host, const cloud::Uplink& uplink) {
  return std::count_if(host.uplinks.begin(), host.uplinks.end(), [&](const cloud::Uplink& other) {
           return other.interface == uplink.interface;
         }) == 1;
}

void compile_uplink(const Context& context, const cloud::Uplink& uplink, std::uint32_t slot,
                    Elements& elements, Rows& out) {
  const std::uint32_t table = engine::kUplinkTables + slot;
  const engine::Marks marks(context.host.mark_mask);
  add_rules(kUplinkRules + kRulesEach * (slot - 1), marks.uplink(slot), marks.any_uplink(), table,
            out);
  if (is_alone_on_its_interface(context.host, uplink)) {
    const std::string& interface = uplink.interface;
    elements.add(kTracked, {interface});
    elements.add(kMarked, {interface});
    add_bits(elements, kUplinkBits, slot, interface);
  }
  const engine::LinkFacts* facts = context.facts.find(uplink.interface);
  if (!facts) return;
  if (!context.facts.down.contains(uplink.interface)) {
    out.routes.push_back(
        {{table, {}}, {engine::Route::Type::unicast, uplink.interface, uplink.gateway}});
  }
  // Strictly filtered, what comes in by any but the host's default uplink would be dropped.
  if (facts->rp_filter > 0) {
    out.sysctls.push_back({fmt::format("net/ipv4/conf/{}/rp_filter", uplink.interface), {"2"}});
  }
}

/// What the host sends from an uplink's address leaves by that uplink, or not at all.
void compile_source(const Context& context, const cloud::Uplink& uplink, Rows& out) {
  const auto slot = engine::slot_of(context.host, uplink);
  const auto source = source_of(context, uplink);
  if (!slot || !source || !is_alone_on_its_interface(context.host, uplink)) return;
  const std::uint32_t priority = kSourceRules + kRulesEach * (*slot - 1);
  engine::PolicyRule rule{0, kMainTable, kButDefault, 0, false, source};
  out.policy_rules.push_back({priority, rule});
  rule.table = engine::kUplinkTables + *slot;
  rule.but_default = false;
  out.policy_rules.push_back({priority + 1, rule});
  rule.table = 0;
  rule.unreachable = true;
  out.policy_rules.push_back({priority + 2, rule});
}

}  // namespace

bool is_first_on_its_interface(const cloud::Host& host, const cloud::Uplink& uplink) {
  const auto first =
      std::find_if(host.uplinks.begin(), host.uplinks.end(),
                   [&](const cloud::Uplink& other) { return other.interface == uplink.interface; });
  return &*first == &uplink;
}

void compile_egress(const Context& context, const engine::Object& object, Rows& out) {
  const cloud::Host& host = context.host;
  Elements elements(object, out);
  for (const cloud::Uplink& uplink : host.uplinks) {
    const auto slot = engine::slot_of(host, uplink);
    if (slot) compile_uplink(context, uplink, *slot, elements, out);
  }
  if (!engine::switches_uplinks(host)) return;
  const engine::Marks marks(host.mark_mask);
  for (const engine::UplinkPreference& preference :
       engine::uplink_preferences(context.cloud, host)) {
    if (preference.number > engine::Marks::kMost) break;
    const std::uint32_t table = engine::kPreferenceTables + preference.number;
    const auto used = engine::in_use(host, context.facts, preference.uplinks);
    if (const auto route = engine::default_route(used)) out.routes.push_back({{table, {}}, *route});
    add_rules(kPreferenceRules + kRulesEach * (preference.number - 1),
              marks.preference(preference.number), marks.any_preference(), table, out);
  }
  if (!host.manage_host_default) return;
  for (const cloud::Uplink& uplink : host.uplinks) compile_source(context, uplink, out);
  constexpr std::uint32_t kEverything = 0;
  const std::uint32_t table = engine::kPreferenceTables + 1;
  out.policy_rules.push_back({kHostRules, {0, kMainTable, kButDefault, kEverything}});
  out.policy_rules.push_back({kHostRules + 1, {0, table, !kButDefault, kEverything}});
}

void compile_preference(const Context& context, const engine::Object& object,
                        const cloud::Network& network, Rows& out) {
  if (!engine::switches_uplinks(context.host)) return;
  const std::uint32_t number = engine::preference_number(context.cloud, context.host, network);
  if (number > engine::Marks::kMost) {
    out.problems.push_back(
        {"network " + network.name, 0,
         fmt::format("there are more than {} different orders of uplinks", engine::Marks::kMost)});
    return;
  }
  Elements elements(object, out);
  elements.add(kTracked, {network.bridge});
  add_bits(elements, kPreferenceBits, number, network.bridge);
}

}  // namespace novaplane::nat
