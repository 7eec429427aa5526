#include "dataplane/daemon/known_status.h"

namespace novaplane::daemon {

std::string KnownStatus::tell(StatusReport report, const Objects& objects) {
  const auto now = engine::Clock::now();
  std::string text = objects_json(objects, now);
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
  objects_ = std::move(text);
  told_at_ = now;
  return to_json(report_, objects_);
}

std::string KnownStatus::json() const {
  const std::lock_guard lock(mutex_);
  StatusReport report = report_;
  report.converged = false;
  report.age =
      std::chrono::duration_cast<std::chrono::milliseconds>(engine::Clock::now() - told_at_);
  return to_json(report, objects_);
}

}  // namespace novaplane::daemon
