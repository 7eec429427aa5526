#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::hwgw {

using KnownRouters = std::map<IpAddress, engine::RouterFacts>;

/// What the kernel cannot tell of outside routers: `<run-dir>/routers`, a line for each,
///
///   <address> <MAC, or -> alive|dead
///
/// Without it they are asked anew, and believed alive until then.
class RouterRecords {
 public:
  explicit RouterRecords(const std::string& run_dir) : path_(run_dir + "/routers") {}

  /// Lines that make no sense are passed over, and said in `spoiled`.
  KnownRouters read(std::vector<std::string>* spoiled = nullptr) const;
  Result<void> write(const KnownRouters& routers) const;  ///< none: the file goes

 private:
  std::string path_;
};

}  // namespace novaplane::hwgw
