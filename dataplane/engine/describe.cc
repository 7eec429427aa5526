#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "dataplane/base/words.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/service_driver.h"

/// Steps in words: what an operator reads in a plan, in an error and in the log.
namespace novaplane::engine {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

std::string_view verb(bool before, bool after) {
  return before && after ? "change" : after ? "add" : "remove";
}
template <class Key, class Row>
std::string_view verb(const Change<Key, Row>& change) {
  return verb(change.before.has_value(), change.after.has_value());
}

template <class T>
std::string optional_word(std::string_view word, const std::optional<T>& value) {
  return value ? fmt::format(" {} {}", word, *value) : "";
}

/// "floating_to_fixed { 203.0.113.1 : 10.0.0.10 }"
std::string element_text(const nft::Ruleset& ruleset, const nft::ElementKey& key,
                         const nft::Element* element) {
  const auto set = std::find_if(ruleset.sets.begin(), ruleset.sets.end(),
                                [&](const nft::Set& s) { return s.name == key.set; });
  std::string text =
      fmt::format("{} {} {} {{ ", to_string(key.set.family), nft::kTable, key.set.name);
  if (set != ruleset.sets.end()) {
    text += nft::to_text(set->key, key.key);
    if (!key.key_end.empty()) text += "-" + nft::to_text(set->key, key.key_end);
    if (element && !element->data.empty()) text += " : " + nft::to_text(set->data, element->data);
  }
  return text + " }";
}

// --- subjects: the row itself, the same whatever happens to it

std::string subject_of(const RulesetChange&) { return "nf_tables"; }
std::string subject_of(const LinkChange& c) { return "link " + c.key; }
std::string subject_of(const Raise& r) { return "state of link " + r.link; }
std::string subject_of(const AttachmentChange& c) { return "port " + c.key; }
std::string subject_of(const NicMigrationChange& c) { return "addresses and routes of " + c.key; }
std::string subject_of(const AddressChange& c) {
  return fmt::format("address {} dev {}", c.key.prefix, c.key.link);
}
std::string table_text(std::uint32_t table) {
  constexpr std::uint32_t kMain = 254, kLocal = 255;  // RT_TABLE_*
  if (table == kMain) return "";
  return table == kLocal ? " table local" : fmt::format(" table {}", table);
}
std::string subject_of(const RouteChange& c) {
  return fmt::format("route {}{}", c.key.destination, table_text(c.key.table));
}
std::string subject_of(const ShaperChange& c) { return "qdisc tbf dev " + c.key; }
std::string subject_of(const PolicyRuleChange& c) { return fmt::format("rule priority {}", c.key); }
std::string subject_of(const NeighbourChange& c) {
  return fmt::format("{} {} dev {}", c.key.proxy ? "proxy" : "neighbour", c.key.address,
                     c.key.link);
}
std::string subject_of(const ForwardingChange& c) {
  return fmt::format("forwarding entry {} of {}{}", c.key.mac, c.key.link,
                     c.key.flood.is_unspecified() ? "" : fmt::format(" dst {}", c.key.flood));
}
std::string subject_of(const SysctlChange& c) { return "sysctl " + c.key; }
std::string subject_of(const ServiceChange& c) { return "service " + c.key; }
std::string subject_of(const EntryChange& c) {
  return fmt::format("{} of {}", c.key.name, c.key.service);
}
std::string subject_of(const Announce& a) { return fmt::format("announce {}", a.address); }
std::string subject_of(const Reannounce& r) { return "announcements on " + r.link; }
std::string subject_of(const ForgetFlows& f) { return fmt::format("flows of {}", f.address); }

// --- what happens

std::string row_text(const Link& link) {
  std::string kind = link.kind;
  if (link.kind == "vlan") kind = fmt::format("vlan {} on {}", link.vlan_id, link.parent);
  if (link.kind == "vxlan") kind = fmt::format("type vxlan id {} local {}", link.vni, link.local);
  return fmt::format("{} mac {}", kind, link.mac);
}
std::string row_text(const Attachment& port) {
  return "master " + port.master + optional_word("mtu", port.mtu);
}
std::string row_text(const Shaper& shaper) {
  return fmt::format("rate {}bit burst {}b", 8 * shaper.rate, shaper.burst);
}
std::string row_text(const Address& address) {
  return address.broadcast ? fmt::format("broadcast {}", *address.broadcast) : "";
}
std::string row_text(const Route& route) {
  if (route.next_hops) {
    std::string text;
    for (const NextHop& hop : *route.next_hops) {
      text += fmt::format("{}nexthop via {} dev {} weight {}", text.empty() ? "" : " ", hop.gateway,
                          hop.link, hop.weight);
    }
    return text;
  }
  return fmt::format("{}dev {}{}{}", route.type == Route::Type::local ? "local " : "", route.link,
                     optional_word("via", route.gateway),
                     optional_word("src", route.preferred_source));
}
std::string row_text(const PolicyRule& rule) {
  std::string from = rule.source ? fmt::format("from {}", *rule.source) : "all";
  if (rule.mask != 0) from = fmt::format("fwmark {:#x}/{:#x}", rule.mark, rule.mask);
  if (rule.unreachable) return from + " unreachable";
  return fmt::format("{} lookup {}{}", from, rule.table,
                     rule.but_default ? " suppress_prefixlength 0" : "");
}
std::string row_text(const Neighbour& neighbour) {
  return neighbour.mac ? fmt::format("lladdr {} permanent", *neighbour.mac) : "";
}
/// As `bridge fdb` has it.
std::string row_text(const ForwardingKey& key, const Forwarding& entry) {
  return entry.destination ? fmt::format("dev {} dst {}", key.link, *entry.destination)
                           : fmt::format("dev {} master {}", entry.port, key.link);
}
std::string row_text(const Sysctl& sysctl) { return "= " + sysctl.value; }
std::string row_text(const ServiceEntry& entry) { return entry.line; }

/// "move 192.0.2.11/24, default via 192.0.2.1 and 12 more from eth1 to br-blue"
std::string what_of(const NicMigrationChange& change) {
  constexpr std::size_t kMostNamed = 12;
  static const NicMigration kUnknown;
  const NicMigration& before = change.before ? *change.before : kUnknown;
  const std::vector<std::string>& things = before.things;
  const std::size_t named = std::min(things.size(), kMostNamed);
  std::string list = fmt::format("{}", fmt::join(things.begin(), things.begin() + named, ", "));
  if (named == 0) list = "what it carries";
  if (named < things.size()) list += fmt::format(" and {} more", things.size() - named);
  if (!change.after)
    return fmt::format("move {} back from {} to {}", list, before.holder, change.key);
  if (change.before && before.holder.empty()) {
    return fmt::format("put {} of {} back on {}", list, change.key, change.after->holder);
  }
  return fmt::format("move {} from {} to {}", list, change.before ? before.holder : change.key,
                     change.after->holder);
}

template <class Key, class Row>
std::string what_of(const Change<Key, Row>& change) {
  const std::string row = change.after ? row_text(*change.after) : "";
  return fmt::format("{} {}{}{}", verb(change), subject_of(change), row.empty() ? "" : " ", row);
}
std::string what_of(const ServiceChange& change) {
  const std::string_view word = change.before && change.after ? "restart"
                                : change.after                ? "start"
                                                              : "stop";
  const std::string device = change.after    ? change.after->device
                             : change.before ? change.before->device
                                             : "";
  return fmt::format("{} {}{}{}", word, title_of(change.key), device.empty() ? "" : " on ", device);
}
std::string what_of(const ForwardingChange& change) {
  const Forwarding row = change.after    ? *change.after
                         : change.before ? *change.before
                                         : Forwarding{};
  return fmt::format("{} forwarding entry {} {}", verb(change), change.key.mac,
                     row_text(change.key, row));
}
std::string what_of(const RulesetChange& change) { return change.what; }
std::string what_of(const Raise& raise) {
  return fmt::format("set link {} up mtu {}", raise.link, raise.mtu);
}
std::string what_of(const Announce& announce) {
  return fmt::format("announce {}{} on {} {}", announce.address,
                     announce.mac ? fmt::format(" at {}", *announce.mac) : "", announce.link,
                     count(announce.count, "time"));
}
std::string what_of(const Reannounce& again) {
  const std::size_t count = again.announcements.size();
  return fmt::format("announce {} address{} on {} again", count, count == 1 ? "" : "es",
                     again.link);
}
std::string what_of(const ForgetFlows& flows) {
  switch (flows.which) {
    case ForgetFlows::Which::original_destination:
      return fmt::format("forget flows to {}{}{}", flows.address,
                         flows.port ? fmt::format(" port {}", *flows.port) : "",
                         flows.keep ? fmt::format(" that do not reach {}", *flows.keep) : "");
    case ForgetFlows::Which::reply_destination:
      return fmt::format("forget flows translated to {}", flows.address);
    case ForgetFlows::Which::mark:
      return fmt::format("forget flows with mark {:#x}/{:#x}", flows.mark, flows.mask);
    case ForgetFlows::Which::translated_source:
      return fmt::format("forget flows of {} that are translated otherwise", flows.address);
    case ForgetFlows::Which::untranslated:
      return fmt::format("forget flows of {} that are not translated", flows.address);
  }
  return "";
}

// --- why

template <class T>
void compare(std::string& text, std::string_view word, const T& before, const T& after) {
  if (before == after) return;
  text += fmt::format("{}{} was {}, wanted {}", text.empty() ? "" : ", ", word, before, after);
}
std::string shown(const std::optional<IpAddress>& address) {
  return address ? address->to_string() : "none";
}
std::string_view on_off(bool value) { return value ? "on" : "off"; }

std::string difference(const Link& before, const Link& after) {
  std::string text;
  compare(text, "kind", before.kind, after.kind);
  compare(text, "mac", before.mac, after.mac);
  compare(text, "alias", before.alias, after.alias);
  compare(text, "ipv6", on_off(before.ipv6), on_off(after.ipv6));
  compare(text, "addresses of its own", on_off(before.takes_addresses6),
          on_off(after.takes_addresses6));
  compare(text, "route_localnet", on_off(before.route_localnet), on_off(after.route_localnet));
  compare(text, "IPv4 forwarding", on_off(before.forwards.value_or(true)),
          on_off(after.forwards.value_or(true)));
  compare(text, "IPv6 forwarding", on_off(before.forwards6.value_or(true)),
          on_off(after.forwards6.value_or(true)));
  compare(text, "stp", on_off(before.stp), on_off(after.stp));
  compare(text, "forward delay", before.forward_delay, after.forward_delay);
  compare(text, "local", before.local, after.local);
  compare(text, "learning", on_off(before.learning), on_off(after.learning));
  return text;
}
std::string difference(const Attachment& before, const Attachment& after) {
  std::string text;
  compare(text, "master", before.master, after.master);
  compare(text, "mtu", before.mtu.value_or(0), after.mtu.value_or(0));
  compare(text, "ipv6", on_off(before.ipv6.value_or(false)), on_off(after.ipv6.value_or(false)));
  compare(text, "state", before.up ? "up" : "down", after.up ? "up" : "down");
  const PortFlags seen = before.flags.value_or(PortFlags{}), wanted = after.flags.value_or(seen);
  compare(text, "hairpin", on_off(before.hairpin.value_or(false)),
          on_off(after.hairpin.value_or(false)));
  if (after.group) compare(text, "group", before.group.value_or(0), *after.group);
  compare(text, "learning", on_off(seen.learning), on_off(wanted.learning));
  compare(text, "flood", on_off(seen.flood), on_off(wanted.flood));
  compare(text, "neigh_suppress", on_off(seen.neigh_suppress), on_off(wanted.neigh_suppress));
  return text;
}
std::string difference(const Shaper& before, const Shaper& after) {
  return fmt::format("was {}, wanted {}", row_text(before), row_text(after));
}
std::string difference(const Address& before, const Address& after) {
  std::string text;
  compare(text, "broadcast", shown(before.broadcast), shown(after.broadcast));
  return text;
}
std::string difference(const Route& before, const Route& after) {
  std::string text;
  compare(text, "dev", before.link, after.link);
  compare(text, "gateway", shown(before.gateway), shown(after.gateway));
  compare(text, "source", shown(before.preferred_source), shown(after.preferred_source));
  if (before.next_hops != after.next_hops) compare(text, "way", row_text(before), row_text(after));
  return text.empty() ? "type differs" : text;
}
std::string difference(const PolicyRule& before, const PolicyRule& after) {
  return fmt::format("was {}, wanted {}", row_text(before), row_text(after));
}
std::string difference(const Neighbour& before, const Neighbour& after) {
  return fmt::format("mac was {}, wanted {}", before.mac.value_or(Mac{}),
                     after.mac.value_or(Mac{}));
}
std::string difference(const Forwarding& before, const Forwarding& after) {
  std::string text;
  compare(text, "dst", shown(before.destination), shown(after.destination));
  compare(text, "dev", before.port, after.port);
  compare(text, "sticky", on_off(before.sticky), on_off(after.sticky));
  return text;
}
std::string difference(const Sysctl& before, const Sysctl& after) {
  return fmt::format("was {}, wanted {}", before.value, after.value);
}
std::string difference(const nft::Element& before, const nft::Element& after) {
  return before.data == after.data ? "asked for by " + before.comment : "has another value";
}
std::string difference(const Service& before, const Service& after) {
  return before.config != after.config ? "its configuration changed" : "its link changed";
}
std::string difference(const ServiceEntry& before, const ServiceEntry&) {
  return "was " + before.line;
}

std::string reason_of(const NicMigrationChange& change) {
  if (!change.after) return fmt::format("{} leaves its bridge", change.key);
  if (change.before && change.before->holder.empty()) return "the bridge that had them is gone";
  return fmt::format("{} is a port of {}", change.key, change.after->holder);
}

template <class Key, class Row>
std::string reason_of(const Change<Key, Row>& change) {
  if (!change.after) return "not wanted any more";
  return change.before ? difference(*change.before, *change.after) : "missing";
}
std::string reason_of(const RulesetChange& change) { return change.why; }
std::string reason_of(const Raise& raise) { return raise.why; }
std::string reason_of(const Announce&) { return "neighbours learn where it is"; }
std::string reason_of(const Reannounce& again) { return again.why; }
std::string reason_of(const ForgetFlows&) { return "its translation changes"; }

}  // namespace

std::string reason_to_raise(const Link* before, const Link& after) {
  if (!before) return "new";
  std::string text;
  compare(text, "mtu", before->mtu, after.mtu);
  compare(text, "state", before->up ? "up" : "down", after.up ? "up" : "down");
  return text;
}

std::string Step::subject(const nft::Ruleset& ruleset) const {
  return std::visit(Overloaded{[&](const ElementChange& c) {
                                 return "element " + element_text(ruleset, c.key, nullptr);
                               },
                               [](const auto& c) { return subject_of(c); }},
                    operation);
}

std::string Step::what(const nft::Ruleset& ruleset) const {
  return std::visit(Overloaded{[&](const ElementChange& c) {
                                 const nft::Element* row = c.after ? &*c.after : nullptr;
                                 return fmt::format("{} element {}", verb(c),
                                                    element_text(ruleset, c.key, row));
                               },
                               [](const auto& c) { return what_of(c); }},
                    operation);
}

std::string Step::why() const {
  const auto reason =
      std::visit([](const auto& operation) { return reason_of(operation); }, operation);
  return owner ? fmt::format("{}: {}", owner->to_string(), reason) : reason;
}

}  // namespace novaplane::engine
