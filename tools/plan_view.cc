#include "tools/plan_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/base/printable.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

template <class Key, class Row>
char mark_of(const engine::Change<Key, Row>& change) {
  return change.before && change.after ? '~' : change.after ? '+' : '-';
}
char mark_of(const engine::RulesetChange& c) { return c.what.starts_with("delete") ? '-' : '~'; }
char mark_of(const engine::Raise& raise) { return raise.why == "new" ? '+' : '~'; }
char mark_of(const engine::Announce&) { return '*'; }
char mark_of(const engine::Reannounce&) { return '*'; }
char mark_of(const engine::ForgetFlows&) { return '*'; }

Colour colour_of(char mark) {
  switch (mark) {
    case '+':
      return Colour::green;
    case '~':
      return Colour::yellow;
    case '-':
      return Colour::red;
    default:
      return Colour::dim;
  }
}

std::string line_of(const PlanView::Step& step) {
  return fmt::format(
      "  {}  {}\n",
      paint(colour_of(step.mark), fmt::format("{} {}", step.mark, printable(step.what))),
      paint(Colour::dim, fmt::format("({})", printable(step.why))));
}

std::size_t number_of(const PlanView& plan, char mark) {
  return static_cast<std::size_t>(
      std::count_if(plan.steps.begin(), plan.steps.end(),
                    [&](const PlanView::Step& step) { return step.mark == mark; }));
}

std::string total(const PlanView& plan) {
  if (!plan.pending()) return "nothing to change\n";
  std::vector<std::string> parts;
  const auto part = [&](char mark, std::string_view word) {
    if (const auto number = number_of(plan, mark)) {
      parts.push_back(fmt::format("{} to {}", with_thousands(number), word));
    }
  };
  part('+', "add");
  part('~', "change");
  part('-', "remove");
  std::string text = fmt::format("{}", fmt::join(parts, ", "));
  if (const auto acts = number_of(plan, '*')) {
    text += fmt::format("; {}", count(acts, "announcement or removal of flows follows",
                                      "announcements and removals of flows follow"));
  }
  return paint(Colour::bold, text) + "\n";
}

std::string steps_text(const PlanView& plan, std::size_t most) {
  std::string text;
  const auto& steps = plan.steps;
  for (std::size_t begin = 0, end; begin < steps.size(); begin = end) {
    for (end = begin; end < steps.size() && steps[end].phase == steps[begin].phase;) ++end;
    text += fmt::format("{}\n", paint(Colour::bold, steps[begin].phase));
    const std::size_t shown = most == 0 ? end - begin : std::min(end - begin, most);
    for (std::size_t i = begin; i < begin + shown; ++i) text += line_of(steps[i]);
    if (const std::size_t rest = end - begin - shown; rest != 0) {
      text += fmt::format("    and {} more (--verbose lists them)\n", with_thousands(rest));
    }
  }
  return text;
}

std::string remarks_text(std::string_view title, const std::vector<Remark>& remarks, Colour colour,
                         std::size_t most) {
  if (remarks.empty()) return {};
  std::string text = fmt::format("{}\n", paint(colour, title));
  const std::size_t shown = most == 0 ? remarks.size() : std::min(remarks.size(), most);
  for (std::size_t i = 0; i < shown; ++i) {
    text += fmt::format("    {}: {}\n", printable(remarks[i].object), printable(remarks[i].reason));
  }
  if (shown < remarks.size()) {
    text += fmt::format("    and {} more (--verbose lists them)\n",
                        with_thousands(remarks.size() - shown));
  }
  return text;
}

}  // namespace

PlanView view(engine::Plan plan, const engine::Engine& engine, const std::string& host) {
  sort_for_reading(plan, engine.ruleset());
  PlanView shown;
  shown.host = host;
  shown.steps.reserve(plan.size());
  for (const engine::Step& step : plan) {
    const char mark = std::visit([](const auto& o) { return mark_of(o); }, step.operation);
    shown.steps.push_back(
        {mark, std::string(to_string(step.phase)), step.what(engine.ruleset()), step.why()});
  }
  const auto status = engine.status();
  shown.waiting = remarks(status, engine::ObjectState::waiting);
  shown.failed = remarks(status, engine::ObjectState::failed);
  return shown;
}

std::string to_text(const PlanView& plan, std::size_t most) {
  return steps_text(plan, most) + remarks_text("waiting", plan.waiting, Colour::bold, most) +
         remarks_text("cannot be", plan.failed, Colour::red, most) + total(plan);
}

}  // namespace novaplane::tools
