#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "hwgw/book.h"
#include "hwgw/switcher.h"
#include "hwgw/watcher.h"

namespace novaplane::hwgw {

/// What happened to an uplink, and what was done about it already.
struct Decision {
  std::string uplink;
  Verdict verdict;       ///< of probes; by hand: as it was
  bool by_hand = false;  ///< drained, or not any more
  bool failed = false;   ///< it worked, and does not any more
  Verdicts verdicts;     ///< of all uplinks, from now on
  std::vector<Switcher::Turn> turns;
  microseconds took{0};  ///< from the event to the last route in place
};

/// Watches the uplinks of a host and switches its traffic among them: routes at once, on the
/// watcher's thread and by a socket of its own; everything else follows by whoever is told.
class Pilot {
 public:
  /// Called on the watcher's thread; must not block.
  using Tell = std::function<void(Decision)>;

  /// `remembered`: what was known when somebody watched last.
  static Result<std::unique_ptr<Pilot>> start(Verdicts remembered, Tell tell);
  Pilot(const Pilot&) = delete;
  ~Pilot();

  /// Follows the document and the facts, where they are not as told before.
  void steer(const Course& course);
  void drain(const std::string& uplink, bool drained);
  /// Routes may have changed, or are about to, for reasons that are not told yet: whoever sees them
  /// waits for the decision. It is heard of until acknowledge().
  bool is_deciding() const;
  void acknowledge();
  /// Of all uplinks that are watched.
  std::vector<Verdict> verdicts() { return watcher_->verdicts(); }

 private:
  struct Crew;
  explicit Pilot(std::unique_ptr<Crew> crew);

  std::unique_ptr<Crew> crew_;  // the watcher's thread's
  std::unique_ptr<Watcher> watcher_;
  Course told_;
};

}  // namespace novaplane::hwgw
