#include "dataplane/api/preconditions.h"

#include <fmt/format.h>

#include <algorithm>

namespace novaplane::api {
namespace {

bool contains(const std::vector<std::string>& tags, const std::string& tag) {
  return std::ranges::find(tags, tag) != tags.end();
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return "";
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

std::string etag_of(store::Revision revision) { return fmt::format("\"{}\"", revision); }

/// `*`, or tags with commas between them. Ours have no comma inside, and no other can match.
std::optional<Preconditions::Tags> Preconditions::parse(std::string_view header) {
  Tags tags;
  for (;;) {
    const auto comma = header.find(',');
    std::string_view tag = trimmed(header.substr(0, comma));
    const bool is_weak = tag.starts_with("W/");
    if (is_weak) tag.remove_prefix(2);
    if (tag == "*" && !is_weak) {
      tags.any = true;
    } else if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') {
      (is_weak ? tags.weak : tags.strong).emplace_back(tag);
    } else {
      return std::nullopt;
    }
    if (comma == std::string_view::npos) return tags;
    header.remove_prefix(comma + 1);
  }
}

OrProblem<Preconditions> Preconditions::of(const Request& request) {
  constexpr auto kSentence = "{} must be * or ETags in quotes (\"12\"), not {}";
  Preconditions conditions;
  if (!request.if_match.empty()) {
    conditions.match_ = parse(request.if_match);
    if (!conditions.match_) {
      return problem(400, fmt::format(kSentence, "If-Match", request.if_match));
    }
  }
  if (!request.if_none_match.empty()) {
    conditions.none_match_ = parse(request.if_none_match);
    if (!conditions.none_match_) {
      return problem(400, fmt::format(kSentence, "If-None-Match", request.if_none_match));
    }
  }
  return conditions;
}

std::optional<store::Declined> Preconditions::objection(
    std::optional<store::Revision> revision) const {
  constexpr auto kKind = "precondition";
  if (match_) {
    if (!revision) return store::Declined{kKind, "If-Match: there is no such object"};
    if (!match_->any && !contains(match_->strong, etag_of(*revision))) {
      return store::Declined{
          kKind, fmt::format("If-Match: it has changed since, and is at {}", etag_of(*revision))};
    }
  }
  if (revision && has(*revision)) {
    return store::Declined{kKind,
                           fmt::format("If-None-Match: it is there, at {}", etag_of(*revision))};
  }
  return std::nullopt;
}

bool Preconditions::has(store::Revision revision) const {
  const std::string tag = etag_of(revision);
  return none_match_ && (none_match_->any || contains(none_match_->strong, tag) ||
                         contains(none_match_->weak, tag));
}

}  // namespace novaplane::api
