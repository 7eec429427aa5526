#include "tools/summary.h"

#include <algorithm>
#include <map>
#include <set>

#include "dataplane/engine/service_driver.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

struct Thing {
  std::string_view verb, singular, plural = {};
  bool operator==(const Thing&) const = default;
};

/// Counts by verb and thing, both in the order in which they were first met.
class Counts {
 public:
  void add(const Thing& thing, std::size_t number = 1) {
    const auto it = std::find_if(counts_.begin(), counts_.end(),
                                 [&](const auto& entry) { return entry.first == thing; });
    if (it == counts_.end()) {
      counts_.emplace_back(thing, number);
    } else {
      it->second += number;
    }
  }

  void write(std::vector<SummaryLine>& lines) const {
    for (const auto& [thing, number] : counts_) {
      if (number == 0) continue;
      auto line = std::find_if(lines.begin(), lines.end(),
                               [&](const SummaryLine& l) { return l.verb == thing.verb; });
      if (line == lines.end()) {
        line = lines.insert(lines.end(), SummaryLine{std::string(thing.verb), {}});
      }
      line->things.push_back(count(number, thing.singular, thing.plural));
    }
  }

 private:
  std::vector<std::pair<Thing, std::size_t>> counts_;
};

template <class Change>
std::string_view verb_of(const Change& change, std::string_view add, std::string_view remove,
                         std::string_view edit = "changed") {
  return change.before && change.after ? edit : change.after ? add : remove;
}

struct Counter {
  Counts counts = {};
  std::string ruleset = {};  ///< what happened to the rules
  /// By kind.
  std::map<std::string, std::set<std::string>> made = {}, changed = {};
  std::set<std::string> announced = {};

  void operator()(const engine::RulesetChange& c) {
    ruleset = c.what.starts_with("delete") ? "removed" : "wrote";
  }
  void operator()(const engine::LinkChange& c) {
    if (c.after) (c.before ? changed : made)[c.after->kind].insert(c.key);
    if (!c.after) counts.add({"removed", name_of(c.before->kind)});
  }
  void operator()(const engine::Raise& raise) {
    if (!made[raise.kind].contains(raise.link)) changed[raise.kind].insert(raise.link);
  }
  static std::string_view name_of(const std::string& kind) {
    if (kind == "vxlan") return "VXLAN device";
    return kind == "vlan" ? "VLAN device" : "bridge";
  }
  void operator()(const engine::AttachmentChange& c) {
    counts.add({verb_of(c, "attached", "detached"), "port"});
  }
  void operator()(const engine::NicMigrationChange&) {
    counts.add({"moved", "NIC's addresses and routes", "NICs' addresses and routes"});
  }
  void operator()(const engine::AddressChange& c) {
    counts.add({verb_of(c, "added", "removed"), "address", "addresses"});
  }
  void operator()(const engine::RouteChange& c) {
    counts.add({verb_of(c, "added", "removed"), "route"});
  }
  void operator()(const engine::NeighbourChange& c) {
    const std::string_view verb = verb_of(c, "added", "removed");
    counts.add(c.key.proxy ? Thing{verb, "proxy", "proxies"} : Thing{verb, "neighbour"});
  }
  void operator()(const engine::ForwardingChange& c) {
    counts.add({verb_of(c, "added", "removed"), "forwarding entry", "forwarding entries"});
  }
  void operator()(const engine::SysctlChange&) { counts.add({"set", "sysctl"}); }
  void operator()(const engine::ElementChange& c) {
    counts.add({verb_of(c, "added", "removed"), "nf_tables element"});
  }
  void operator()(const engine::ServiceChange& c) {
    const std::string_view program = engine::program_of(c.key);
    counts.add({verb_of(c, "started", "stopped", "restarted"), program, program});
  }
  void operator()(const engine::EntryChange& c) {
    counts.add({verb_of(c, "added", "removed"), "DHCP and DNS entry", "DHCP and DNS entries"});
  }
  void operator()(const engine::ShaperChange& c) {
    counts.add({verb_of(c, "added", "removed"), "rate limit"});
  }
  void operator()(const engine::PolicyRuleChange& c) {
    counts.add({verb_of(c, "added", "removed"), "policy rule"});
  }
  void operator()(const engine::Announce& a) { announced.insert(a.address.to_string()); }
  void operator()(const engine::Reannounce& again) {
    for (const engine::Announce& a : again.announcements) (*this)(a);
  }
  void operator()(const engine::ForgetFlows&) {}  // follows from the others
};

}  // namespace

std::vector<SummaryLine> summarize(const engine::Plan& done) {
  Counter counter;
  for (const engine::Step& step : done) std::visit(counter, step.operation);
  Counts links, announced;
  for (const auto& [verb, by_kind] :
       {std::pair{"created", counter.made}, {"changed", counter.changed}}) {
    for (const auto& [kind, names] : by_kind)
      links.add({verb, Counter::name_of(kind)}, names.size());
  }
  announced.add({"announced", "address", "addresses"}, counter.announced.size());

  std::vector<SummaryLine> lines;
  if (!counter.ruleset.empty()) lines.push_back({counter.ruleset, {"the rules of nf_tables"}});
  links.write(lines);
  counter.counts.write(lines);
  announced.write(lines);
  return lines;
}

}  // namespace novaplane::tools
