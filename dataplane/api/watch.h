#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/api/request.h"

namespace novaplane::api {

/// GET /v1/watch: what changes after a revision; none: from now on.
struct WatchRequest {
  std::optional<store::Revision> after;
};
/// None: the request is no such one, or has a mistake, which Api::handle() tells.
std::optional<WatchRequest> watch_of(const Request& request);

/// One change as a line of JSON, with the end of the line.
struct WatchLine {
  store::Revision revision = 0;
  std::string text;
};
/// `{"revision":44,"at":1700000000000,"by":"root@h1","id":"...","changes":[{"kind":"ports",
/// "name":"web1","object":{...}}]}`; object is null where it was deleted.
std::string line_of(const store::Change& change);

}  // namespace novaplane::api
