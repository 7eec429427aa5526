#include "dataplane/daemon/host_reporter.h"

#include <algorithm>
#include <utility>

namespace novaplane::daemon {
namespace {

using store::Clock;
using store::HostReport;

std::int64_t milliseconds_now() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

/// Time::min() is never.
bool has_passed(Clock::time_point since, Clock::duration time, Clock::time_point now) {
  return since == Clock::time_point::min() || now - since >= time;
}

}  // namespace

HostReporter::HostReporter(store::Store& store, std::string host, std::string version)
    : HostReporter(store, std::move(host), std::move(version), Settings()) {}

HostReporter::HostReporter(store::Store& store, std::string host, std::string version,
                           Settings settings)
    : store_(store), host_(std::move(host)), settings_(std::move(settings)) {
  if (!settings_.wall_clock) settings_.wall_clock = milliseconds_now;
  report_.version = std::move(version);
}

bool HostReporter::note(store::Revision revision, std::size_t failing,
                        std::vector<HostReport::Failure> failures) {
  const std::lock_guard lock(mutex_);
  if (failures.size() > HostReport::kMostFailures) failures.resize(HostReport::kMostFailures);
  const bool is_news = revision != report_.revision;
  if (!is_news && failing == report_.failing && failures == report_.failures) return false;
  if (is_news) report_.since = settings_.wall_clock();
  report_.revision = revision;
  report_.failing = failing;
  report_.failures = std::move(failures);
  applied_ = revision;
  return is_waiting_.exchange(false);
}

HostReport HostReporter::seen(const store::Hold& hold) const {
  const std::lock_guard lock(mutex_);
  HostReport report = report_;
  if (hold) {
    report.hold = to_string(hold.reason);
    report.hold_words = hold.words;
  }
  return report;
}

void HostReporter::report(const store::Copy& copy, const store::Hold& hold) {
  is_away_ = hold.reason == store::Hold::Reason::away;
  if (is_refused_ || is_away_) return;
  const auto now = settings_.now();
  between_ = std::max<Clock::duration>(kShortest, kForEachHost * copy.cloud().hosts.size());
  is_waiting_ = has_passed(written_at_, between_, now);
  const HostReport report = seen(hold);
  const bool is_due = has_passed(written_at_, report != written_ ? between_ : kLongest, now);
  if (is_due) write(report, now);
  if (is_refused_ || !has_passed(alive_at_, kAliveEvery, now)) return;
  alive_at_ = now;
  [[maybe_unused]] const auto told = store_.keep_alive(host_);  // again soon, whatever it was
}

/// What was not written is due again after the same time.
void HostReporter::write(const HostReport& report, Time now) {
  is_waiting_ = false;
  written_at_ = now;
  const auto written = store_.put_status({host_, to_json(report), settings_.wall_clock()});
  written_ = written ? std::optional(report) : std::nullopt;
  is_refused_ = !written && written.error().trouble == store::Trouble::read_only;
}

Clock::time_point HostReporter::due() const {
  if (is_refused_ || is_away_) return Time::max();
  const auto next = is_waiting_ ? written_at_ + kLongest : written_at_ + between_;
  return std::min<Time>(next, alive_at_ + kAliveEvery);
}

}  // namespace novaplane::daemon
