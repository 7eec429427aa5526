#include "dataplane/daemon/workers.h"

#include <fcntl.h>
#include <malloc.h>

#include "dataplane/node/pass.h"
#include "dataplane/node/services.h"

namespace novaplane::daemon {
namespace {

/// The driver's own descriptors are good until its next call only.
std::vector<LiveService> alive(const engine::ServiceDriver& services) {
  std::vector<LiveService> found;
  for (const auto& [key, pidfd] : services.watch()) {
    found.push_back({key, Fd(::fcntl(pidfd, F_DUPFD_CLOEXEC, 0))});
  }
  return found;
}

}  // namespace

Result<std::unique_ptr<Workers>> Workers::open(Loop& loop, const std::string& run_dir) {
  auto executor = engine::Executor::open(run_dir);
  if (!executor) return tl::unexpected(executor.error());
  auto flows = conntrack::Flows::open();
  if (!flows) return tl::unexpected(flows.error());
  return std::unique_ptr<Workers>(new Workers(loop, std::move(*executor), std::move(*flows),
                                              std::make_unique<node::Services>(run_dir)));
}

Workers::Workers(Loop& loop, engine::Executor executor, conntrack::Flows flows,
                 std::unique_ptr<engine::ServiceDriver> services)
    : senders_(executor.senders()),
      executor_(std::move(executor)),
      flows_(std::move(flows)),
      services_(std::move(services)),
      kernel_(loop, "np-kernel"),
      listing_(loop, "np-listing"),
      service_(loop, "np-services"),
      conntrack_(loop, "np-conntrack") {}

Workers::~Workers() = default;

void Workers::list(node::Lister& lister, node::ListRequest request, Then<node::ListResult> then) {
  listing_.run(
      "list the kernel", [&lister, request = std::move(request)] { return lister.list(request); },
      std::move(then));
}

void Workers::apply(std::shared_ptr<const engine::ApplyRequest> request,
                    Then<engine::ApplyResult> then) {
  kernel_.run(
      "apply a plan", [this, request = std::move(request)] { return executor_.apply(*request); },
      std::move(then));
}

void Workers::keep_originals(Then<void> then) {
  kernel_.run(
      "record what was found", [this] { return executor_.keep_originals(); }, std::move(then));
}

void Workers::serve(std::shared_ptr<const engine::Plan> plan, Then<Served> then) {
  service_.run(
      "start and stop programs",
      [this, plan = std::move(plan)] {
        auto results = services_->apply(node::pointers(*plan));
        return Served{std::move(results), alive(*services_)};
      },
      std::move(then));
}

void Workers::observe_services(Then<ServicesSeen> then) {
  service_.run(
      "look at programs",
      [this] {
        auto seen = services_->observe();
        return ServicesSeen{std::move(seen), alive(*services_)};
      },
      std::move(then));
}

void Workers::forget(std::vector<engine::ForgetFlows> flows, Then<void> then) {
  conntrack_.run(
      "forget flows", [this, flows = std::move(flows)] { return flows_.forget(flows); },
      std::move(then));
}

void Workers::tidy(std::vector<cloud::SharedCloud> documents, bool returns_memory) {
  conntrack_.run(
      "release a document",
      [documents = std::move(documents), returns_memory]() mutable {
        documents.clear();
        if (returns_memory) ::malloc_trim(0);
        return Result<void>();
      },
      [](const Result<void>&) {});
}

}  // namespace novaplane::daemon
