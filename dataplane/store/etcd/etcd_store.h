#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/store/etcd/keys.h"
#include "dataplane/store/etcd/life_sign.h"
#include "dataplane/store/etcd/members.h"
#include "dataplane/store/etcd/watch.h"
#include "dataplane/store/module.h"
#include "dataplane/store/store.h"

namespace novaplane::store::etcd {

/// A cloud in an etcd cluster. What is written is decided by one transaction; what is told of is a
/// watch, which is never believed alone: every few seconds, and whenever it is in doubt, the guard
/// itself is read with a majority's word.
class EtcdStore : public Store {
 public:
  EtcdStore(std::unique_ptr<Members> members, const ModuleServices& services);

  Answer<Status> status() override;
  Answer<Head> head() override;
  Answer<Snapshot> load() override;
  Answer<std::vector<Change>> changes_after(Revision, std::size_t most) override;
  Answer<std::vector<Change>> history_after(Revision, std::size_t most) override;
  Answer<void> wait(Revision, Clock::time_point until) override;
  void interrupt() override { watch_.interrupt(); }
  CommitAnswer commit(const Commit&) override;
  Limits limits() const override { return limits_; }
  Answer<std::optional<Revision>> find_change(const std::string& id, Revision after) override;
  Answer<void> back_up(const std::string& path) override;
  Answer<void> put_status(const HostStatus&) override;
  Answer<std::vector<HostStatus>> statuses() override;
  Answer<void> keep_alive(const std::string& host) override;
  Answer<std::vector<std::string>> check() override;

 private:
  /// Where the cloud was when a majority said so.
  struct Seen {
    Head head;
    Revision header = 0;  ///< of all of etcd: nothing has changed from head's up to here
    std::uint64_t cluster = 0;
    std::string id;  ///< the cloud's own part of the identity; empty: it has none yet
    std::optional<Change> guard;
  };
  Answer<void> look();
  Answer<Seen> read_guard();
  Answer<Seen> seen_in(const etcdserverpb::TxnResponse& answer) const;
  Answer<void> make_identity();
  void take(Seen seen);
  void take_news();
  bool is_fresh() const;
  Answer<void> check_reach(Revision after);
  Answer<void> check_seen_reach(Revision after) const;
  Answer<std::vector<Change>> read_past(Revision after, std::size_t most);

  /// Returns the revision at which all of it was read.
  Answer<Revision> list(const std::string& begin, const std::string& end,
                        const std::function<void(etcdserverpb::KeyValue&)>& take);
  Answer<Snapshot> read_snapshot(Revision& at);
  Answer<etcdserverpb::TxnResponse> read(const etcdserverpb::TxnRequest& request);
  Answer<std::vector<Change>> read_history(Revision after, std::size_t most);
  etcdserverpb::TxnRequest transaction_of(const Commit& commit) const;
  CommitAnswer answer_of(const etcdserverpb::TxnResponse& answer, const Commit& commit);
  CommitAnswer resolve_full(const Commit& commit, Failure failure);
  void forget_history();
  Answer<bool> takes_operations(int count);
  void find_limits();

  std::unique_ptr<Members> members_;
  Keys keys_;
  ModuleServices services_;
  Watch watch_;
  LifeSign life_sign_;
  Seen seen_;
  Clock::time_point looked_at_{};  ///< zero: not believed
  unsigned commits_ = 0;
  Limits limits_;
  bool has_found_limits_ = false;
};

}  // namespace novaplane::store::etcd
