#include "dataplane/api/problem.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "dataplane/base/printable.h"

namespace novaplane::api {
namespace {

constexpr auto kRetryAfter = "2";  ///< seconds

std::string json_of(const Found& found) {
  std::string text = fmt::format(R"({{"kind":{},"path":{},"text":{})", json_string(found.kind),
                                 json_string(found.path), json_string(found.text));
  if (found.place.line != 0) {
    text += fmt::format(R"(,"line":{},"column":{})", found.place.line, found.place.column);
  }
  return text + '}';
}

std::string json_of(const std::vector<Found>& findings) {
  std::string text = "[";
  for (const Found& found : findings) text += (text.size() > 1 ? "," : "") + json_of(found);
  return text + ']';
}

unsigned status_of(store::Trouble trouble) {
  switch (trouble) {
    case store::Trouble::read_only:
    case store::Trouble::refused:
      return 403;
    case store::Trouble::full:
      return 507;
    case store::Trouble::compacted:
    case store::Trouble::went_back:
      return 410;
    default:
      return 503;
  }
}

}  // namespace

std::string_view title_of(unsigned status) {
  // RFC 9110, 15; 507: RFC 4918.
  constexpr std::array<std::pair<unsigned, std::string_view>, 14> kTitles{{
      {400, "Bad Request"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {409, "Conflict"},
      {410, "Gone"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {415, "Unsupported Media Type"},
      {422, "Unprocessable Content"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {503, "Service Unavailable"},
      {507, "Insufficient Storage"},
  }};
  const auto found =
      std::ranges::find(kTitles, status, &std::pair<unsigned, std::string_view>::first);
  return found != kTitles.end() ? found->second : "Error";
}

std::vector<Found> found_in(std::span<const cloud::Finding> findings) {
  std::vector<Found> found;
  for (const cloud::Finding& finding : findings) {
    found.push_back({finding.kind, printable(cloud::to_string(finding.path)),
                     printable(finding.sentence), finding.place});
  }
  return found;
}

/// The text of a mistake begins with its path: "ports.web1.mac: is missing".
std::vector<Found> found_in(std::span<const cloud::Mistake> mistakes) {
  std::vector<Found> found;
  for (const cloud::Mistake& mistake : mistakes) {
    const auto end = mistake.kind == "syntax" ? std::string::npos : mistake.text.find(": ");
    const bool has_path = end != std::string::npos;
    found.push_back({mistake.kind,
                     has_path ? mistake.text.substr(0, end) : "",
                     has_path ? mistake.text.substr(end + 2) : mistake.text,
                     {mistake.line, mistake.column}});
  }
  return found;
}

Reply reply_to(const Problem& problem) {
  Members members{{"type", json_string("about:blank")},
                  {"title", json_string(title_of(problem.status))},
                  {"status", std::to_string(problem.status)},
                  {"detail", json_string(problem.detail)}};
  if (!problem.findings.empty()) members.emplace_back("findings", json_of(problem.findings));
  members.insert(members.end(), problem.members.begin(), problem.members.end());
  return {problem.status, to_json(members) + '\n', "application/problem+json", problem.headers};
}

tl::unexpected<Problem> problem(unsigned status, std::string detail) {
  return tl::unexpected(Problem{status, std::move(detail)});
}

Problem invalid(std::vector<Found> findings) {
  const Found& first = findings.front();
  Problem problem{422, first.path.empty() ? first.text : first.path + ": " + first.text};
  if (findings.size() > 1) problem.detail += fmt::format(" (and {} more)", findings.size() - 1);
  problem.findings = std::move(findings);
  return problem;
}

Problem held(const store::Hold& hold) {
  Problem problem{503, hold.words};
  problem.members.emplace_back("reason", json_string(to_string(hold.reason)));
  problem.headers.emplace_back("Retry-After", kRetryAfter);
  return problem;
}

Problem failed(const store::Failure& failure) { return failed(failure.trouble, failure.words); }

Problem failed(store::Trouble trouble, const std::string& words) {
  Problem problem{status_of(trouble), words};
  if (problem.status == 503) problem.headers.emplace_back("Retry-After", kRetryAfter);
  return problem;
}

}  // namespace novaplane::api
