#include "tools/report.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/printable.h"
#include "tools/command.h"
#include "tools/json.h"
#include "tools/summary.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

constexpr std::size_t kMostRemarks = 10;  ///< that anybody reads without asking for more
constexpr int kVerbWidth = 10;

std::string line_of(std::string_view verb, std::string_view text) {
  return fmt::format("{:<{}}{}\n", verb, kVerbWidth, printable(text));
}

void print_changes(const Report& report, bool verbose) {
  if (!verbose && !report.summary.empty()) {
    for (const std::string& line : report.summary) print(line);
    return;
  }
  for (const auto& [what, why] : report.changed) {
    print(fmt::format("{}  {}\n", printable(what),
                      paint(Colour::dim, fmt::format("({})", printable(why)))));
  }
}

void add_changes(engine::Plan done, const engine::Engine& engine, Report& report) {
  sort_for_reading(done, engine.ruleset());
  for (const engine::Step& step : done) {
    report.changed.push_back({step.what(engine.ruleset()), step.why()});
  }
}

void print_waiting(const std::vector<Remark>& waiting, bool verbose) {
  const std::size_t shown = verbose ? waiting.size() : std::min(waiting.size(), kMostRemarks);
  for (std::size_t i = 0; i < shown; ++i) {
    print(line_of("waiting", fmt::format("{}: {}", waiting[i].object, waiting[i].reason)));
  }
  if (shown < waiting.size()) {
    print(line_of("waiting", fmt::format("and {} more (--verbose names them)",
                                         with_thousands(waiting.size() - shown))));
  }
}

void complain_of(const std::vector<std::string>& sentences, const char* more, bool verbose) {
  const std::size_t named = verbose ? sentences.size() : std::min(sentences.size(), kMostRemarks);
  for (std::size_t i = 0; i < named; ++i) complain(sentences[i]);
  if (const std::size_t rest = sentences.size() - named; rest != 0) {
    complain(fmt::format("and {} (--verbose names them)", count(rest, more)));
  }
}

}  // namespace

std::vector<Remark> remarks(const std::map<engine::Object, engine::ObjectStatus>& status,
                            engine::ObjectState state) {
  std::vector<Remark> found;
  for (const auto& [object, about] : status) {
    if (about.state != state) continue;
    for (const std::string& reason : about.reasons) found.push_back({object.to_string(), reason});
  }
  return found;
}

Report report_of(const node::Outcome& outcome, engine::Engine& engine, bool lists_changes) {
  Report report;
  for (const SummaryLine& line : summarize(outcome.done)) {
    report.summary.push_back(line_of(line.verb, fmt::format("{}", fmt::join(line.things, ", "))));
  }
  if (lists_changes || report.summary.empty()) add_changes(outcome.done, engine, report);
  for (const auto& [object, reason] : outcome.failures) report.failures.push_back({object, reason});
  report.waiting = remarks(engine.status(), engine::ObjectState::waiting);
  for (const std::string& sentence : outcome.unrecorded)
    report.unrecorded.push_back("not recorded: " + sentence);
  return report;
}

int deliver(const Report& report, bool json, bool verbose) {
  if (json) {
    print(to_json(report));
  } else {
    print_changes(report, verbose);
    print_waiting(report.waiting, verbose);
    if (report.changed.empty() && report.summary.empty() && report.ok()) print("nothing to do\n");
  }
  std::vector<std::string> failures;
  for (const auto& [object, reason] : report.failures) {
    failures.push_back(fmt::format("{}: {}", object, reason));
  }
  complain_of(failures, "more failure", verbose);
  complain_of(report.unrecorded, "more record", verbose);
  if (!report.hint.empty()) complain(report.hint);
  if (!report.error.empty()) complain(report.error);
  return report.ok() ? kDone : kFailed;
}

}  // namespace novaplane::tools
