#include "tools/summary.h"

#include <algorithm>
#include <set>

#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

using engine::Noun;

/// Counts by verb and noun, both in the order in which they were first met.
class Counts {
 public:
  void add(std::string_view verb, const Noun& noun, std::size_t number = 1) {
    const auto it = std::ranges::find_if(
        counts_, [&](const Count& count) { return count.verb == verb && count.noun == noun; });
    if (it == counts_.end()) {
      counts_.push_back({verb, noun, number});
    } else {
      it->number += number;
    }
  }

  void write(std::vector<SummaryLine>& lines) const {
    for (const auto& [verb, noun, number] : counts_) {
      if (number == 0) continue;
      auto line = std::ranges::find(lines, verb, &SummaryLine::verb);
      if (line == lines.end()) line = lines.insert(lines.end(), SummaryLine{std::string(verb), {}});
      line->things.push_back(count(number, noun.one, noun.many));
    }
  }

 private:
  struct Count {
    std::string_view verb;
    Noun noun;
    std::size_t number;
  };
  std::vector<Count> counts_;
};

struct Counter {
  Counts links = {}, others = {};  ///< what is made comes first
  std::string ruleset = {};        ///< what happened to the rules
  std::set<std::string> touched = {}, announced = {};

  template <engine::RowChange T>
  void operator()(const T& change) {
    using K = engine::KindOf<T>;
    others.add(engine::past_of<K>(change), engine::noun_of<K>(change));
  }
  void operator()(const engine::LinkChange& change) {
    touched.insert(change.key);
    (change.after ? links : others)
        .add(engine::past_of<engine::LinkKind>(change), engine::LinkKind::noun(change));
  }
  /// One that was made or changed before counts once.
  void operator()(const engine::Raise& raise) {
    if (touched.insert(raise.link).second) {
      links.add(engine::LinkKind::kVerbs.changed, engine::LinkKind::noun(raise.kind));
    }
  }
  void operator()(const engine::RulesetChange& c) {
    ruleset = c.what.starts_with("delete") ? "removed" : "wrote";
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
  Counts announced;
  announced.add("announced", engine::AddressKind::kNoun, counter.announced.size());

  std::vector<SummaryLine> lines;
  if (!counter.ruleset.empty()) lines.push_back({counter.ruleset, {"the rules of nf_tables"}});
  counter.links.write(lines);
  counter.others.write(lines);
  announced.write(lines);
  return lines;
}

}  // namespace novaplane::tools
