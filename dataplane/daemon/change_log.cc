#include "dataplane/daemon/change_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace novaplane::daemon {
namespace {

struct Noun {
  std::string_view one, many;
};

/// In the order of engine::Operation; a piece of the frame is not counted but named.
constexpr std::array<Noun, std::variant_size_v<engine::Operation>> kNouns{{
    {"nf_tables frame", "nf_tables frames"},
    {"link", "links"},
    {"link state", "link states"},
    {"port", "ports"},
    {"address", "addresses"},
    {"route", "routes"},
    {"neighbour", "neighbours"},
    {"sysctl", "sysctls"},
    {"element", "elements"},
    {"dnsmasq", "dnsmasqs"},
    {"DHCP or DNS entry", "DHCP and DNS entries"},
    {"", ""},  // announcements
    {"", ""},  // flows
}};

}  // namespace

std::string summary(const engine::Plan& plan, const std::vector<Result<void>>& results) {
  std::array<std::size_t, kNouns.size()> counts{};
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (results[i]) ++counts[plan[i].operation.index()];
  }
  std::string text;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const Noun& noun = kNouns[i];
    if (counts[i] == 0 || noun.one.empty()) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[i],
                        counts[i] == 1 ? noun.one : noun.many);
  }
  return text;
}

std::vector<StateLog::Line> StateLog::news(const std::map<engine::Object, engine::Status>& now) {
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
        lines.push_back({status.state, fmt::format("{}: {}", object.to_string(), reason)});
    }
    known.emplace(object, std::move(reasons));
  }
  for (const auto& [object, reasons] : told_) {
    if (!known.contains(object)) {
      lines.push_back({engine::State::ok, fmt::format("{} is well now", object.to_string())});
    }
  }
  told_ = std::move(known);
  return lines;
}

}  // namespace novaplane::daemon
