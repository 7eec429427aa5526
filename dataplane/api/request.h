#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/store/store.h"

namespace novaplane::api {

/// What a client asks, as HTTP/1.1 has it; headers that it did not send are empty.
struct Request {
  std::string method;  ///< "PUT"
  std::string target;  ///< "/v1/ports/web1?dry_run=true", as it was sent
  std::string if_match = {}, if_none_match = {}, content_type = {}, accept = {};
  std::string body = {};
  std::string by = {};  ///< for the history: "root@compute1"
};

struct Reply {
  unsigned status = 200;
  std::string body = {};
  std::string content_type = "application/json";
  /// Beside Content-Type and Content-Length: Age, Allow, ETag, Location, Retry-After, Warning.
  std::vector<std::pair<std::string, std::string>> headers = {};
};

/// What is kept of the cloud on this host's disk.
struct Kept {
  std::string path;
  store::Revision revision = 0;  ///< 0: nothing yet
  std::string trouble = {};      ///< why it is not written; empty: it is
};

/// What the daemon knows beside the store.
struct Situation {
  std::string host, version;
  store::Revision applied = 0;  ///< that the kernel has
  std::string objection = {};   ///< why it does not get the cloud, in a sentence; empty: it does
  std::optional<Kept> kept = {};
};

}  // namespace novaplane::api
