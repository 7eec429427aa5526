#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "dataplane/api/json.h"
#include "dataplane/api/request.h"
#include "dataplane/cloud/document.h"
#include "dataplane/cloud/finding.h"
#include "dataplane/store/follower.h"

/// Errors as RFC 9457 has them: application/problem+json.
namespace novaplane::api {

/// One thing that is wrong with what was sent, as `novaplane check` tells it.
struct Found {
  std::string kind, path, text;
  cloud::Place place = {};  ///< in a document that was sent
};
std::vector<Found> found_in(std::span<const cloud::Finding> findings);
std::vector<Found> found_in(std::span<const cloud::Mistake> mistakes);

struct Problem {
  unsigned status = 500;
  std::string detail;  ///< one sentence
  std::vector<Found> findings = {};
  Members members = {};  ///< further ones
  std::vector<std::pair<std::string, std::string>> headers = {};
};
template <class T>
using OrProblem = tl::expected<T, Problem>;

Reply reply_to(const Problem& problem);

tl::unexpected<Problem> problem(unsigned status, std::string detail);
/// 422, with the first finding as the detail.
Problem invalid(std::vector<Found> findings);
/// 503: the copy does not follow the store.
Problem held(const store::Hold& hold);
/// What the store said instead of an answer.
Problem failed(const store::Failure& failure);
Problem failed(store::Trouble trouble, const std::string& words);

/// "Unprocessable Content"
std::string_view title_of(unsigned status);

}  // namespace novaplane::api
