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

bool Findings::has(const Path& path) const {
  return std::ranges::any_of(findings_, [&](const Finding& finding) {
    return finding.path.size() >= path.size() &&
           std::equal(path.begin(), path.end(), finding.path.begin());
  });
}

void Findings::add_missing(Path path, std::string sentence) {
  const Path object(path.begin(), path.end() - 1);
  if (!has(object)) add(std::move(path), "missing", std::move(sentence));
}

}  // namespace novaplane::cloud
