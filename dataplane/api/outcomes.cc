#include "dataplane/api/outcomes.h"

#include <fmt/format.h>

#include <utility>

namespace novaplane::api {
namespace {

/// Each outcome that is no success.
struct ProblemOf {
  const Backend& backend;

  Problem operator()(const store::Done&) const { return {}; }
  Problem operator()(const store::Invalid& found) const {
    return invalid(found_in(found.findings));
  }
  Problem operator()(const store::Declined& declined) const {
    if (declined.kind == "precondition") return {412, declined.words};
    if (declined.kind == kAbsent) return {404, declined.words};
    if (declined.kind == kExists || declined.kind == "exhausted") return {409, declined.words};
    return invalid({{declined.kind, "", declined.words}});
  }
  Problem operator()(const store::Crowded& crowded) const {
    Problem problem{
        409, fmt::format("others changed the cloud at the same time, {} times", crowded.tries)};
    problem.headers.emplace_back("Retry-After", "1");
    return problem;
  }
  /// Whoever tries again may do it twice: without Retry-After.
  Problem operator()(const store::Unknown& unknown) const {
    Problem problem{503, fmt::format("it is not known whether change {} was written: {}",
                                     unknown.id, unknown.words)};
    problem.members.emplace_back("change", json_string(unknown.id));
    return problem;
  }
  Problem operator()(const store::TooLarge& large) const {
    return failed(store::Trouble::refused,
                  fmt::format("{} objects are more than the store takes in one commit, and no part "
                              "of them is a valid change by itself",
                              large.writes));
  }
  Problem operator()(const store::Refused& refused) const {
    const store::Hold& hold = backend.follower.hold();
    if (refused.trouble == store::Trouble::unavailable && hold) return held(hold);
    // A commit finds no changes forgotten: whatever it is, it is not the client's matter.
    const bool is_final = refused.trouble == store::Trouble::read_only ||
                          refused.trouble == store::Trouble::refused ||
                          refused.trouble == store::Trouble::full;
    return failed(is_final ? refused.trouble : store::Trouble::unavailable, refused.words);
  }
};

}  // namespace

OrProblem<store::Done> done_of(const Backend& backend, store::Outcome outcome) {
  if (auto* done = std::get_if<store::Done>(&outcome)) return std::move(*done);
  return tl::unexpected(std::visit(ProblemOf{backend}, outcome));
}

}  // namespace novaplane::api
