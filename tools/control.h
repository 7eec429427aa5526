#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/base/error.h"

/// HTTP with a running novaplaned: over the control socket of this host, or over TLS.
namespace novaplane::tools {

struct Options;

/// Which novaplaned is asked.
struct Endpoint {
  Endpoint(std::string run_dir) : run_dir(std::move(run_dir)) {}  // that of this host
  explicit Endpoint(const Options& options);

  std::string run_dir;
  std::string server;  ///< "https://compute1:8443", or without https://; empty: that of this host
  std::string authorities, certificate, key;  ///< files, of --cacert, --cert, --key; may be empty
  std::string name() const;                   ///< as a reader knows it: a path or an address
};

struct ControlRequest {
  std::string method = "GET";
  std::string target;
  std::string body = {};
  std::string type = {};  ///< of the body, as "application/json"
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< beside those
};

struct ControlResponse {
  unsigned status = 0;
  std::string body = {};
  std::string type = {}, etag = {}, location = {}, warning = {}, retry_after = {};  ///< headers
};

/// Whatever the status is, it is an answer; an error is that none came. `on_data` gets the body of
/// an answer with status 200 as it comes, for as long as it comes; the response has none then.
Result<ControlResponse> exchange(const Endpoint& endpoint, const ControlRequest& request,
                                 const std::function<void(std::string_view)>& on_data = {});

/// Returns the body of the answer; any status but 200 is an error.
Result<std::string> ask_daemon(const Endpoint& endpoint, const std::string& method,
                               const std::string& target);

std::string control_socket(const std::string& run_dir);

}  // namespace novaplane::tools
