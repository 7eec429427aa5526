#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/fd.h"
#include "dataplane/cloud/changes.h"
#include "dataplane/conntrack/flows.h"
#include "dataplane/daemon/worker.h"
#include "dataplane/engine/executor.h"
#include "dataplane/engine/service_driver.h"
#include "dataplane/node/lister.h"

namespace novaplane::daemon {

/// A program of ours that runs, by a pidfd of our own: readable when it has ended.
struct LiveService {
  engine::ServiceKey key;
  Fd pidfd;
};

/// The threads that do what the loop decides. One talks rtnetlink and nf_tables, one lists them,
/// one runs dnsmasq and others, which may take long to start, one walks conntrack; none waits for
/// another. Plain
/// values go in and come back; answers arrive in the loop. An error in place of an answer: the task
/// threw, and how far it came is not known.
class Workers {
 public:
  struct Served {
    std::vector<Result<void>> results;
    std::vector<LiveService> alive;
  };
  struct ServicesSeen {
    Result<engine::SeenServices> seen;
    std::vector<LiveService> alive;
  };
  template <class T>
  using Then = std::function<void(Result<T>)>;

  static Result<std::unique_ptr<Workers>> open(Loop& loop, const std::string& run_dir);
  Workers(const Workers&) = delete;
  ~Workers();

  engine::Senders senders() const { return senders_; }

  /// The lister is the worker's until `then`.
  void list(node::Lister& lister, node::ListRequest request, Then<node::ListResult> then);
  void apply(std::shared_ptr<const engine::ApplyRequest> request, Then<engine::ApplyResult> then);
  /// Records what could not be recorded before.
  void keep_originals(Then<void> then);
  void serve(std::shared_ptr<const engine::Plan> plan, Then<Served> then);
  void observe_services(Then<ServicesSeen> then);
  void forget(std::vector<engine::ForgetFlows> flows, Then<void> then);
  /// Releases documents that nobody else has any more, and where there was much gives free memory
  /// back: all threads wait for that.
  void tidy(std::vector<cloud::SharedCloud> documents, bool returns_memory);

 private:
  Workers(Loop& loop, engine::Executor executor, conntrack::Flows flows,
          std::unique_ptr<engine::ServiceDriver> services);

  engine::Senders senders_;
  // Each is used by its worker only.
  engine::Executor executor_;
  conntrack::Flows flows_;
  std::unique_ptr<engine::ServiceDriver> services_;
  // Last, so that the threads end before what they use.
  Worker kernel_, listing_, service_, conntrack_;
};

}  // namespace novaplane::daemon
