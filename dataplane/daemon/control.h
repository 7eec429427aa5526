#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "dataplane/base/error.h"
#include "dataplane/daemon/loop.h"

namespace novaplane::daemon {

/// HTTP over the Unix socket <run-dir>/control.sock, for root only; bodies are JSON.
///
///     GET /status   how the daemon and the objects of the document fare
///     GET /show     what `novaplane show --json` prints
///     GET /uplinks  how uplinks fare (node/uplink_rows.h)
///     POST /uplinks/NAME/drain, /uplinks/NAME/undrain
///                   takes an uplink out of use, or back
///     POST /trial   the same with <run-dir>/trial.yaml in force until the trial ends
///     (node/trial.h) POST /trial/end
///                   the same with the document again, as it is now
///     POST /pass    reads the document again, passes until nothing more can be done, and tells
///                   what was changed
///
/// One request for each connection, small and soon; who is slower is hung up on.
class Control {
 public:
  using Answer = std::function<void(std::string json)>;
  struct Handlers {
    std::function<std::string()> status, show;
    /// "/pass", "/trial" or "/trial/end"; answers later, once.
    std::function<void(std::string_view target, Answer)> pass;
    std::function<std::string()> uplinks;
    /// An error's sentence, or nothing.
    std::function<std::string(const std::string& uplink, bool drained)> drain;
  };

  /// EADDRINUSE when another daemon answers there.
  static Result<std::unique_ptr<Control>> open(Loop& loop, const std::string& run_dir,
                                               Handlers handlers);
  Control(const Control&) = delete;
  ~Control();

 private:
  struct State;
  explicit Control(std::shared_ptr<State> state) : state_(std::move(state)) {}

  std::shared_ptr<State> state_;
};

}  // namespace novaplane::daemon
