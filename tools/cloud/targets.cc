#include "tools/cloud/targets.h"

#include <fmt/format.h>

#include "tools/cloud/assignments.h"
#include "tools/command.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

constexpr std::string_view kRangesName = "snat";

/// "ports/web1"
tl::expected<Target, std::string> target_in(const std::string& word) {
  const auto slash = word.find('/');
  const auto kind = kind_called(word.substr(0, slash));
  if (!kind) return tl::unexpected(kind.error());
  Target target{*kind, slash == std::string::npos ? "" : word.substr(slash + 1)};
  if (target.is_ranges() && target.name.empty()) target.name = kRangesName;
  return target;
}

bool is_path(const std::string& word) {
  return word.find('/') != std::string::npos && !is_assignment(word);
}

}  // namespace

tl::expected<Targets, std::string> targets_in(const std::vector<std::string>& words) {
  Targets found;
  auto first = target_in(words.front());
  if (!first) return tl::unexpected(first.error());
  const bool by_path = is_path(words.front());
  if (by_path) found.targets.push_back(*first);
  for (std::size_t i = 1; i < words.size(); ++i) {
    if (is_assignment(words[i])) {
      found.assignments.push_back(words[i]);
    } else if (!found.assignments.empty()) {
      return tl::unexpected(fmt::format("'{}' is not KEY=VALUE", words[i]));
    } else if (!by_path) {
      found.targets.push_back({first->kind, words[i]});
    } else if (auto next = target_in(words[i]); next && is_path(words[i])) {
      found.targets.push_back(*next);
    } else {
      return tl::unexpected(fmt::format("'{}' is not KIND/NAME", words[i]));
    }
  }
  if (found.targets.empty()) found.targets.push_back(*first);
  return found;
}

int misused(const std::string& sentence) {
  complain(sentence);
  return kUsage;
}

}  // namespace novaplane::tools
