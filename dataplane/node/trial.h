#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

/// A document on trial: `novaplane up --confirm` has brought it into force, and unless somebody
/// confirms it in time, what was confirmed last comes back. A process of its own, the rollback
/// timer, sees to that. It listens at a Unix socket beside the writer's lock (node/lock_place.h),
/// one for each network namespace, and each end makes sure that the other one is root. A question
/// is one byte, the answer one line.
///
///     's'  "trial <milliseconds left> <file>"
///     'c'  keep it: "kept <milliseconds left> <file>", "late <file>" or "error <sentence>"
///     'r'  bring back at once what was confirmed last: "late <file>"
///     'w'  no answer: the connection ends with the rollback timer
namespace novaplane::node {

struct Trial {
  std::string file;  ///< as it was named, absolute
  std::chrono::milliseconds left{};
};

/// What makes a process the rollback timer, as long as it keeps both open: where it listens, and a
/// lock, since a socket's name stays when its process is killed.
struct RollbackTimerSocket {
  Fd listener, lock;

  /// EADDRINUSE: a document is on trial already.
  static Result<RollbackTimerSocket> take();
  static void remove_names();  ///< by the rollback timer, before it leaves
};

/// None: nothing is on trial here.
std::optional<Trial> trial();
/// For warnings and refusals: "cloud.yaml is on trial: ..."; empty: nothing is.
std::string trial_sentence();

/// One question to the rollback timer. ENOENT: there is none.
Result<std::string> ask_rollback_timer(char question);
/// Readable when the rollback timer has ended. None: there is no rollback timer.
Fd watch_rollback_timer();

/// Whole documents in a run directory: the last one that somebody confirmed, what stood in its
/// place until the daemon read it from its file (for the few minutes in which one may wish it
/// back), and the one on trial.
struct TrialFiles {
  explicit TrialFiles(const std::string& run_dir);
  std::string confirmed, previous, on_trial, rolled_back;

  /// `text` is what somebody wants from now on.
  Result<void> confirm(const std::string& text) const;
  /// The same, from the daemon's own file; what stood there is kept beside.
  Result<void> follow(const std::string& text) const;
  std::vector<std::string> all() const { return {confirmed, previous, on_trial, rolled_back}; }
};

}  // namespace novaplane::node
