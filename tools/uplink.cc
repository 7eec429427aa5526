#include <fmt/format.h>

#include <array>

#include "dataplane/cli/nearest.h"
#include "tools/command.h"
#include "tools/control.h"
#include "tools/terminal.h"

namespace novaplane::tools {

/// `uplink drain NAME`, `uplink undrain NAME`: the daemon does it, who watches the uplinks.
int uplink(const Options& options) {
  const std::string &act = options.arguments[0], &name = options.arguments[1];
  if (act != "drain" && act != "undrain") {
    complain(fmt::format("uplink knows drain and undrain, not '{}'{}", act,
                         cli::did_you_mean(act, std::array<std::string, 2>{"drain", "undrain"})));
    return kUsage;
  }
  const auto answer =
      ask_daemon(Endpoint(options), "POST", fmt::format("/uplinks/{}/{}", name, act));
  if (answer) return kDone;
  complain(answer.error().message());
  return kFailed;
}

}  // namespace novaplane::tools
