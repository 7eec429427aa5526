#include "hwgw/router/one_shot_probe.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "hwgw/router/router_targets.h"

namespace novaplane::hwgw {
namespace {

constexpr milliseconds kForStrangers{1000}, kForOthers{300}, kInterval{100};

/// What the watcher's thread receives.
class Answers {
 public:
  void add(const TargetStatus& status) {
    if (!status.mac) return;
    const std::lock_guard lock(mutex_);
    macs_[status.target] = *status.mac;
    changed_.notify_all();
  }

  std::map<std::string, Mac> wait_for(std::size_t count, milliseconds patience) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, patience, [&] { return macs_.size() >= count; });
    return macs_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Mac> macs_;
};

}  // namespace

Result<KnownRouters> probe_routers(std::vector<Target> targets, KnownRouters known) {
  if (targets.empty()) return known;
  for (Target& target : targets) target.health.interval = kInterval;
  const bool any_stranger = std::any_of(targets.begin(), targets.end(), [&](const Target& target) {
    const auto found = known.find(router_of(target));
    return found == known.end() || !found->second.mac;
  });
  Answers answers;
  std::map<std::string, Mac> macs;
  {
    auto watcher = Watcher::start([&](const TargetStatus& status) { answers.add(status); });
    if (!watcher) return tl::unexpected(watcher.error());
    (*watcher)->watch(targets);
    macs = answers.wait_for(targets.size(), any_stranger ? kForStrangers : kForOthers);
  }
  for (const Target& target : targets) {
    const auto answer = macs.find(target.name);
    if (answer != macs.end()) known[router_of(target)] = {answer->second, /*is_dead=*/false};
  }
  return known;
}

}  // namespace novaplane::hwgw
