#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/api/problem.h"

namespace novaplane::api {

/// The values of a query by their keys, each of which stands once.
class Query {
 public:
  std::map<std::string, std::string, std::less<>> values = {};

  /// Fails (400) where the query has another key than these.
  OrProblem<void> allow(const std::vector<std::string>& keys) const;
  /// false where the key is absent; 400 unless it is `true` or `false`.
  OrProblem<bool> flag(std::string_view key) const;
  /// `absent` where the key is; 400 unless it is a number from `least` to `most`.
  OrProblem<std::uint64_t> number(std::string_view key, std::uint64_t absent,
                                  std::uint64_t least = 0,
                                  std::uint64_t most = static_cast<std::uint64_t>(-1)) const;
};

/// Where a request goes: "/v1/ports/web1?x=y", without percents (RFC 3986, 2.1).
struct Target {
  std::vector<std::string> path;  ///< {"v1", "ports", "web1"}
  Query query;
};
/// Fails with 400.
OrProblem<Target> parse_target(std::string_view target);

}  // namespace novaplane::api
