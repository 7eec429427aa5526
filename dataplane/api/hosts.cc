#include "dataplane/api/hosts.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "dataplane/store/allocate.h"
#include "dataplane/store/host_report.h"

namespace novaplane::api {
namespace {

/// A host of the cloud, or one that has told of itself.
struct HostRow {
  bool is_in_cloud = false, is_alive = false;
  std::optional<std::int64_t> told_at;  ///< ms since 1970
  std::optional<store::HostReport> report;
};
using HostRows = std::map<std::string, HostRow>;

/// What this daemon knows of itself is newer than what it has written.
void put_own(HostRows& rows, const Situation& situation, std::int64_t now) {
  HostRow& own = rows[situation.host];
  own.is_alive = true;
  own.told_at = now;
  if (!own.report) own.report.emplace();
  own.report->version = situation.version;
  own.report->format = store::kFormat;
  own.report->revision = situation.applied;
}

store::Answer<HostRows> rows_of(Backend& backend, const Situation& situation, std::int64_t now) {
  const auto statuses = backend.store.statuses();
  if (!statuses) return tl::unexpected(statuses.error());
  HostRows rows;
  for (const auto& [name, host] : backend.copy.cloud().hosts) rows[name].is_in_cloud = true;
  for (const store::HostStatus& status : *statuses) {
    HostRow& row = rows[status.host];
    row.is_alive = status.alive;
    row.told_at = status.at;
    row.report = store::parse_host_report(status.value);
  }
  put_own(rows, situation, now);
  return rows;
}

/// Revisions may be left out, so that only the store knows how many changes a host lacks.
class Lag {
 public:
  Lag(store::Store& store, const HostRows& rows, store::Revision newest) : newest_(newest) {
    store::Revision least = newest;
    for (const auto& [name, row] : rows) {
      if (row.is_alive && row.report) least = std::min(least, row.report->revision);
    }
    if (least >= newest) return;
    const auto changes = store.history_after(least, kMost);
    if (!changes) return;
    for (const store::Change& change : *changes) revisions_.push_back(change.revision);
    after_ = least;
  }
  /// "null": more than it is worth to count, or the store has forgotten.
  std::string behind(store::Revision revision) const {
    if (revision >= newest_) return "0";
    if (!after_ || revision < *after_ || revisions_.size() == kMost) return "null";
    return std::to_string(revisions_.end() - std::ranges::upper_bound(revisions_, revision));
  }

 private:
  static constexpr std::size_t kMost = 1000;
  store::Revision newest_;
  std::optional<store::Revision> after_;
  std::vector<store::Revision> revisions_;
};

std::string hold_of(const store::HostReport& report) {
  if (report.hold.empty()) return "null";
  return fmt::format(R"({{"reason":{},"words":{}}})", json_string(report.hold),
                     json_string(report.hold_words));
}

std::string failures_of(const store::HostReport& report) {
  std::string text;
  for (const auto& [object, reason] : report.failures) {
    text += fmt::format(R"({}{{"object":{},"reason":{}}})", text.empty() ? "" : ",",
                        json_string(object), json_string(reason));
  }
  return '[' + text + ']';
}

std::string json_of(const HostRow& row, const Lag& lag, std::int64_t now) {
  std::string text = fmt::format(R"({{"alive":{},"in_cloud":{})", row.is_alive, row.is_in_cloud);
  if (row.told_at) {
    text += fmt::format(R"(,"age":{})", std::max<std::int64_t>(now - *row.told_at, 0) / 1000);
  }
  if (!row.report) return text + '}';
  const store::HostReport& report = *row.report;
  return text + fmt::format(R"(,"revision":{},"behind":{},"since":{},"version":{},"format":{},)"
                            R"("hold":{},"failing":{},"failures":{}}})",
                            report.revision, lag.behind(report.revision), report.since,
                            json_string(report.version), report.format, hold_of(report),
                            report.failing, failures_of(report));
}

}  // namespace

OrProblem<Reply> hosts(Backend& backend, const Call& call) {
  if (auto fresh = refresh(backend); !fresh) return tl::unexpected(std::move(fresh.error()));
  const auto now = milliseconds_now();
  const auto rows = rows_of(backend, call.situation, now);
  if (!rows) return tl::unexpected(failed(rows.error()));
  const auto head = backend.store.head();
  const auto newest = head ? head->revision : backend.copy.revision();
  const Lag lag(backend.store, *rows, newest);
  std::string text;
  for (const auto& [name, row] : *rows) {
    text +=
        fmt::format("{}{}:{}", text.empty() ? "" : ",", json_string(name), json_of(row, lag, now));
  }
  Reply reply;
  reply.body = fmt::format("{{\"revision\":{},\"hosts\":{{{}}}}}\n", newest, text);
  return from_copy(backend, std::move(reply));
}

OrProblem<Reply> pools_in_use(Backend& backend, const Call&) {
  if (auto fresh = refresh(backend); !fresh) return tl::unexpected(std::move(fresh.error()));
  std::string text;
  for (const auto& [name, pool] : backend.copy.pools()) {
    const auto [total, used] = store::use_of(backend.copy, pool);
    text += fmt::format(R"({}{}:{{"total":{},"used":{},"free":{}}})", text.empty() ? "" : ",",
                        json_string(name), total, used, total - std::min(used, total));
  }
  Reply reply;
  reply.body = fmt::format("{{\"revision\":{},\"pools\":{{{}}}}}\n", backend.copy.revision(), text);
  return from_copy(backend, std::move(reply));
}

}  // namespace novaplane::api
