#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "dataplane/store/etcd/etcd.pb.h"
#include "dataplane/store/etcd/keys.h"
#include "dataplane/store/store.h"

namespace novaplane::store::etcd {

/// The changes that a watch has told of, without a gap: all those after begins_after() up to
/// newest().
class ChangeLog {
 public:
  explicit ChangeLog(Keys keys) : keys_(std::move(keys)) {}

  void begin(Revision after);
  Revision begins_after() const { return begins_after_; }
  Revision newest() const { return changes_.empty() ? begins_after_ : changes_.back().revision; }
  const Change* last() const { return changes_.empty() ? nullptr : &changes_.back(); }
  std::vector<Change> after(Revision revision, std::size_t most) const;
  std::size_t count_after(Revision revision) const;

  /// Takes a message of the watch: etcd never divides the events of one revision. False: it cannot
  /// be understood (the guard was deleted, or is damaged), and the log has a gap from now on.
  bool take(const etcdserverpb::WatchResponse& told);
  /// Forgets the oldest ones where there are too many; `taken`: those up to here were asked for.
  void trim(Revision taken);

 private:
  std::deque<Change>::const_iterator first_after(Revision revision) const;

  Keys keys_;
  std::deque<Change> changes_;
  std::size_t writes_ = 0;  ///< in all of them
  Revision begins_after_ = 0;
};

}  // namespace novaplane::store::etcd
