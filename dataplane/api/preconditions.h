#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/api/problem.h"
#include "dataplane/store/committer.h"

namespace novaplane::api {

/// "\"12\"": the revision that wrote an object last.
std::string etag_of(store::Revision revision);

/// If-Match and If-None-Match (RFC 9110, 13.1).
class Preconditions {
 public:
  /// Fails with 400 where one of the headers is none.
  static OrProblem<Preconditions> of(const Request& request);

  /// Why the request is not for what there is; none: go on. `revision`: of the object, none: there
  /// is no such object.
  std::optional<store::Declined> objection(std::optional<store::Revision> revision) const;
  /// Whether If-None-Match names it: the client has it already (GET).
  bool has(store::Revision revision) const;

 private:
  struct Tags {
    bool any = false;  ///< "*"
    std::vector<std::string> strong, weak;
  };
  static std::optional<Tags> parse(std::string_view header);

  std::optional<Tags> match_, none_match_;
};

}  // namespace novaplane::api
