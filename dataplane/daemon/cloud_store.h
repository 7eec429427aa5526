#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dataplane/api/api.h"
#include "dataplane/base/error.h"
#include "dataplane/cloud/changes.h"
#include "dataplane/daemon/host_reporter.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/pass_requests.h"
#include "dataplane/daemon/replica_keeper.h"
#include "dataplane/store/committer.h"

namespace novaplane::daemon {

/// A cloud in a store, instead of a document in a file. A thread of its own ("np-store") follows
/// the store, and answers and writes for the control API: a store waits for disks and networks.
class CloudStore {
 public:
  struct Listener {
    /// The next version of the cloud, which names the host. One at a time: the next one comes
    /// after taken(), and has all that came meanwhile.
    std::function<void(cloud::Edit edit, store::Revision revision)> on_cloud;
    /// Why the store is not followed, or the host is not in it; empty: nothing is wrong.
    std::function<void(const std::string& words)> on_trouble;
  };

  struct Settings {
    std::string store;  ///< "sqlite:/var/lib/novaplane/cloud.db", "file:/etc/novaplane/cloud.yaml"
    std::string host;   ///< this one's name
    std::string replica;  ///< where the cloud is kept for the time when the store is away; may be
                          ///< empty
  };
  /// The listener is called by the loop.
  static Result<std::unique_ptr<CloudStore>> open(Loop& loop, const Settings& settings,
                                                  Listener listener);
  CloudStore(const CloudStore&) = delete;
  ~CloudStore();

  void start();

  // --- by any thread
  /// Who waits for an answer. What was asked by somebody who has gone is not begun any more.
  template <class T>
  struct Client {
    std::function<void(T)> give;
    std::function<bool()> is_awaited = [] { return true; };
  };
  void ask(api::Request request, Client<api::Reply> client);
  /// Lines of what came after that revision, once there is something, or none after a while.
  struct News {
    std::string text;
    store::Revision revision = 0;  ///< ask for what comes after this one
    std::optional<api::Reply> refusal;
  };
  void await_news(api::WatchRequest watch, bool waits, Client<News> client);
  store::Revision revision() const { return revision_; }

  // --- by the loop
  /// Writes that the port, which migrates to that host, is there. Nothing is written where somebody
  /// has cancelled that, or written it already.
  void complete_move(const std::string& port, const std::string& host);
  void taken();
  /// The kernel has what the cloud of that revision wants, except for those objects.
  void applied(store::Revision revision, const PassRequests::Failures& failures);

 private:
  struct Waiting {
    store::Revision after;
    store::Clock::time_point until;
    Client<News> client;
  };

  CloudStore(Loop& loop, std::unique_ptr<store::Store> store, const Settings& settings,
             Listener listener);
  void work();
  void follow();
  void note(const store::Followed& followed);
  void begin_with_replica();
  void end_offer();
  void hand_over();
  void give(const std::shared_ptr<cloud::Edit>& edit, store::Revision revision);
  void pass_on(cloud::Edit edit, store::Revision revision);  ///< by the loop
  void keep_replica();
  store::Clock::time_point next_look() const;
  void add_task(std::function<void()> task);
  void perform(const std::function<void()>& task);
  void commit_move(const std::string& port, const std::string& host);
  void tell_those_who_wait();
  News news_after(store::Revision after);
  api::Situation situation() const;
  std::string trouble() const;    ///< why the kernel does not get what the store says
  std::string objection() const;  ///< likewise, where the store itself is well

  Loop& loop_;
  std::string host_;
  Listener listener_;
  std::unique_ptr<store::Store> store_;
  store::Copy copy_;
  store::Follower follower_;
  store::Committer committer_;
  api::Api api_;
  HostReporter reporter_;
  std::unique_ptr<ReplicaKeeper> replica_;  ///< null: there is none
  std::vector<Waiting> waiting_;
  std::string told_trouble_;
  std::string told_refusal_;        ///< of a move
  cloud::SharedCloud handed_over_;  ///< what the loop has, or is about to take
  cloud::Changes since_then_;       ///< how the copy differs from it
  bool differs_ = false;

  cloud::SharedCloud offered_;  ///< what was kept, until the store has told what there is
  Timer patience_;              ///< the loop's

  std::atomic<store::Revision> revision_{0};
  std::atomic<bool> is_offered_{false};
  std::atomic<bool> is_taken_{true};
  std::atomic<bool> is_lost_{false};  ///< the loop has failed to take what it was handed
  std::mutex mutex_;
  std::deque<std::function<void()>> tasks_;  ///< for the thread
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace novaplane::daemon
