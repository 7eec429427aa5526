#include "dataplane/cloud/finding.h"

#include <algorithm>

namespace novaplane::cloud {

std::string to_string(const Path& path) {
  std::string text;
  for (const std::string& step : path) {
    if (!text.empty() && !step.starts_with('[')) text += '.';
    text += step;
  }
  return text;
}

void Findings::add(Finding finding) {
  if (!full()) findings_.push_back(std::move(finding));
}

void Findings::add(Path path, std::string kind, std::string sentence) {
  add({std::move(path), std::move(kind), std::move(sentence), {}, false});
}

void Findings::add_at_key(Path path, std::string kind, std::string sentence) {
  add({std::move(path), std::move(kind), std::move(sentence), {}, true});
}

void Findings::add_missing(Path path, std::string sentence) {
  const auto is_sibling = [&](const Finding& finding) {
    const std::size_t object = path.size() - 1;
    return finding.path.size() >= object &&
           std::equal(path.begin(), path.begin() + object, finding.path.begin());
  };
  if (std::none_of(findings_.begin(), findings_.end(), is_sibling)) {
    add(std::move(path), "missing", std::move(sentence));
  }
}

}  // namespace novaplane::cloud
