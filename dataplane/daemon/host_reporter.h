#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "dataplane/store/follower.h"
#include "dataplane/store/host_report.h"

namespace novaplane::daemon {

/// Tells the store what this host has: at once when that changes, but not more often than a store
/// with many hosts can take, and every 30 s; and that the host is alive. Nothing of the data plane
/// depends on it.
class HostReporter {
 public:
  struct Settings {
    std::function<store::Clock::time_point()> now = store::Clock::now;
    std::function<std::int64_t()> wall_clock = {};  ///< none: the system's, ms since 1970
  };
  /// What one host may cost the others: each has its share of a hundred reports a second, and at
  /// most one.
  static constexpr std::chrono::seconds kShortest{1}, kLongest{30}, kAliveEvery{5};
  static constexpr std::chrono::milliseconds kForEachHost{10};

  HostReporter(store::Store& store, std::string host, std::string version);
  HostReporter(store::Store& store, std::string host, std::string version, Settings settings);

  /// The kernel has the cloud of that revision, except for these. True: report() has to be called
  /// for it; else due() tells when it will be.
  bool note(store::Revision revision, std::size_t failing,
            std::vector<store::HostReport::Failure> failures);
  store::Revision applied() const { return applied_; }

  // --- by the thread that has the store
  /// Writes what is due.
  void report(const store::Copy& copy, const store::Hold& hold);
  /// When there may be something to write again.
  store::Clock::time_point due() const;

 private:
  using Time = store::Clock::time_point;
  store::HostReport seen(const store::Hold& hold) const;
  void write(const store::HostReport& report, Time now);

  store::Store& store_;
  const std::string host_;
  Settings settings_;
  std::atomic<store::Revision> applied_{0};
  std::atomic<bool> is_waiting_{true};  ///< for something to write
  mutable std::mutex mutex_;
  store::HostReport report_;  ///< as it is now
  std::optional<store::HostReport> written_;
  Time written_at_ = Time::min(), alive_at_ = Time::min();
  store::Clock::duration between_ = kShortest;
  bool is_refused_ = false;  ///< the store takes none
  bool is_away_ = false;
};

}  // namespace novaplane::daemon
