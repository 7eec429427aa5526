#include "dataplane/daemon/change_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dataplane/base/words.h"

namespace novaplane::daemon {
namespace {

using engine::Noun;

// A kind of step without a noun does not compile.
Noun noun_of(const engine::RulesetChange&) { return {"nf_tables ruleset", "nf_tables rulesets"}; }
Noun noun_of(const engine::Announce&) { return {}; }  // an act, not a change
Noun noun_of(const engine::Reannounce&) { return {}; }
Noun noun_of(const engine::ForgetFlows&) { return {}; }
template <engine::RowChange T>
Noun noun_of(const T&) {
  return engine::KindOf<T>::kNoun;
}

}  // namespace

std::string summary(const engine::Plan& plan, const std::vector<Result<void>>& results) {
  struct Count {
    Noun noun;
    std::size_t number = 0;
  };
  std::array<Count, std::variant_size_v<engine::Operation>> counts{};
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!results[i]) continue;
    Count& count = counts[plan[i].operation.index()];
    if (count.number++ > 0) continue;
    count.noun =
        std::visit([](const auto& operation) { return noun_of(operation); }, plan[i].operation);
  }
  std::string text;
  for (const auto& [noun, number] : counts) {
    if (noun.one.empty()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", number,
                        number == 1 ? noun.one : noun.many);
  }
  return text;
}

std::vector<std::string> lines_of(const nft::Ruleset& ruleset,
                                  const nft::Transaction& transaction) {
  constexpr std::size_t kMost = 200;
  const std::string text = nft::to_text(ruleset, transaction);
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (lines.size() == kMost) {
      const auto left =
          std::count(text.begin() + static_cast<std::ptrdiff_t>(begin), text.end(), '\n');
      lines.push_back(fmt::format("and {} more", left));
      break;
    }
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::size_t count_failed(const std::map<engine::Object, engine::ObjectStatus>& objects) {
  return static_cast<std::size_t>(std::count_if(
      objects.begin(), objects.end(),
      [](const auto& entry) { return entry.second.state == engine::ObjectState::failed; }));
}

std::vector<StatusLog::Line> StatusLog::news(
    const std::map<engine::Object, engine::ObjectStatus>& now) {
  std::vector<Line> lines;
  std::map<engine::Object, std::vector<std::string>> known;
  for (const auto& [object, status] : now) {
    std::vector<std::string> reasons = status.reasons;
    std::sort(reasons.begin(), reasons.end());
    const auto told = told_.find(object);
    for (const std::string& reason : reasons) {
      const bool is_old = told != told_.end() &&
                          std::binary_search(told->second.begin(), told->second.end(), reason);
      if (!is_old)
        lines.push_back({status.state, object, fmt::format("{}: {}", object.to_string(), reason)});
    }
    known.emplace(object, std::move(reasons));
  }
  for (const auto& [object, reasons] : told_) {
    if (!known.contains(object)) {
      lines.push_back({engine::ObjectState::ok, object,
                       fmt::format("{}: no trouble any more", object.to_string())});
    }
  }
  told_ = std::move(known);
  return lines;
}

namespace {

constexpr std::size_t kMostLines = 10, kMostNamed = 3;

Noun noun_of(engine::ObjectKind kind) {
  switch (kind) {
    case engine::ObjectKind::host:
      return {"host", "hosts"};
    case engine::ObjectKind::network:
      return {"network", "networks"};
    case engine::ObjectKind::port:
      return {"port", "ports"};
    case engine::ObjectKind::floating_ip:
      return {"floating IP", "floating IPs"};
    case engine::ObjectKind::port_forward:
      return {"port forward", "port forwards"};
  }
  return {"object", "objects"};
}

/// Of one state and kind. What ports wait for are links: nothing else makes anything wait.
StatusLog::Line in_one(const std::vector<const StatusLog::Line*>& lines) {
  const StatusLog::Line& first = *lines.front();
  std::vector<std::string> names;
  for (const StatusLog::Line* line : lines) {
    if (names.empty() || names.back() != line->object.name) names.push_back(line->object.name);
  }
  const Noun noun = noun_of(first.object.kind);
  const std::string things = count(names.size(), noun.one, noun.many),
                    list = first_of(names, kMostNamed);
  std::string text;
  switch (first.state) {
    case engine::ObjectState::ok:
      text = fmt::format("{}: no trouble any more: {}", things, list);
      break;
    case engine::ObjectState::waiting:
      text = fmt::format("{} without their links yet: {} (`novaplane show ports` lists them)",
                         things, list);
      break;
    case engine::ObjectState::failed:
      text = fmt::format("{} failed: {} (`novaplane plan --verbose` lists them); the first: {}",
                         things, list, first.text);
      break;
  }
  return {first.state, first.object, std::move(text)};
}

}  // namespace

std::vector<StatusLog::Line> shortened(const std::vector<StatusLog::Line>& news) {
  std::map<std::pair<engine::ObjectState, engine::ObjectKind>, std::vector<const StatusLog::Line*>>
      groups;
  for (const StatusLog::Line& line : news) groups[{line.state, line.object.kind}].push_back(&line);
  std::vector<StatusLog::Line> lines;
  for (const auto& [key, group] : groups) {
    if (group.size() > kMostLines) {
      lines.push_back(in_one(group));
    } else {
      for (const StatusLog::Line* line : group) lines.push_back(*line);
    }
  }
  return lines;
}

std::optional<std::string> LineBudget::admit(std::string line, Clock::time_point now) {
  const auto refills = static_cast<int>((now - at_) / kRefill);
  at_ += refills * kRefill;
  left_ = std::min(left_ + refills, kBurst);
  if (left_ == 0) {
    ++left_out_;
    return std::nullopt;
  }
  --left_;
  if (const int left_out = std::exchange(left_out_, 0)) {
    const auto lines = count(static_cast<std::size_t>(left_out), "line");
    line += fmt::format(" (left out before: {} like this)", lines);
  }
  return line;
}

}  // namespace novaplane::daemon
