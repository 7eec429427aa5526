#include "dataplane/store/etcd/change_log.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "dataplane/store/change_json.h"

namespace novaplane::store::etcd {
namespace {

using etcdserverpb::Event;

struct Most {
  std::size_t changes, writes;
};
/// Nobody asked for them yet; what is beyond is read once more then.
constexpr Most kNews{10'000, 50'000};
/// For programs that watch (`novaplane watch`) and ask for what the host has taken already.
constexpr Most kTaken{1'000, 5'000};

}  // namespace

void ChangeLog::begin(Revision after) {
  changes_.clear();
  writes_ = 0;
  begins_after_ = after;
}

std::deque<Change>::const_iterator ChangeLog::first_after(Revision revision) const {
  return std::ranges::upper_bound(changes_, revision, {}, &Change::revision);
}

std::vector<Change> ChangeLog::after(Revision revision, std::size_t most) const {
  const auto first = first_after(revision);
  const auto count = std::min<std::size_t>(most, static_cast<std::size_t>(changes_.end() - first));
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

std::size_t ChangeLog::count_after(Revision revision) const {
  return static_cast<std::size_t>(changes_.end() - first_after(revision));
}

void ChangeLog::trim(Revision taken) {
  while (changes_.size() > 1) {
    const Change& oldest = changes_.front();
    const Most& most = oldest.revision <= taken ? kTaken : kNews;
    if (changes_.size() <= most.changes && writes_ <= most.writes) return;
    writes_ -= oldest.writes.size();
    begins_after_ = oldest.revision;
    changes_.pop_front();
  }
}

/// A revision without the guard is none of ours: somebody has written into the objects by hand. The
/// next digest tells.
bool ChangeLog::take(const etcdserverpb::WatchResponse& told) {
  const auto& events = told.events();
  for (auto next = events.begin(); next != events.end();) {
    const std::int64_t revision = next->kv().mod_revision();
    std::optional<Change> change;
    std::vector<Write> writes;
    for (; next != events.end() && next->kv().mod_revision() == revision; ++next) {
      const bool is_put = next->type() == Event::PUT;
      if (next->kv().key() == keys_.guard()) {
        change = is_put ? parse_change(next->kv().value()) : std::nullopt;
        if (!change) return false;
      } else if (auto key = keys_.object_of(next->kv().key())) {
        writes.push_back({std::move(*key), std::nullopt});
        if (is_put) writes.back().value = next->kv().value();
      }
    }
    if (!change || static_cast<Revision>(revision) <= newest()) continue;
    change->revision = static_cast<Revision>(revision);
    change->writes = std::move(writes);
    writes_ += change->writes.size();
    changes_.push_back(std::move(*change));
  }
  return true;
}

}  // namespace novaplane::store::etcd
