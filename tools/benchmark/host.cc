#include "tools/benchmark/host.h"

#include <cerrno>

#include "dataplane/cloud/document.h"
#include "dataplane/node/pass.h"

namespace novaplane::bench {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

engine::Clock::time_point now() { return engine::Clock::now(); }

}  // namespace

cloud::Cloud read_document(const std::string& text) {
  auto cloud = cloud::parse(text, "cloud.yaml");
  if (!cloud) give_up(cloud.error().front().message());
  return std::move(*cloud);
}

Host::Host(const Site& site) {
  const Site::Visit visit(site);
  node_ = must(node::Node::open(std::string(kHostName), site.run_dir()));
  executor_ = std::make_unique<engine::Executor>(must(engine::Executor::open(site.run_dir())));
  must(node_->set_own_senders(executor_->senders()));
}

void Host::load(cloud::Cloud cloud) {
  engine().load(std::move(cloud));
  must(node_->observe());
}

void Host::converge() {
  constexpr int kPasses = 10;
  for (int i = 0; i < kPasses; ++i) {
    if (!pass()) return;
  }
  give_up("the host does not converge: " + first_step());
}

bool Host::pass() {
  const engine::ApplyRequest request = node::request_of(*node_, engine().plan(now()));
  if (request.plan.empty()) return false;
  const engine::ApplyResult report = must(node::apply(*node_, *executor_, request));
  for (const auto& result : report.results) {
    // What the kernel had otherwise than planned is planned again.
    if (!result && result.error().code != ECANCELED) give_up(result.error().message());
  }
  return true;
}

std::string Host::first_step() {
  const engine::Plan plan = engine().plan(engine::Clock::time_point::max());
  if (plan.empty()) return {};
  const engine::Step& step = plan.front();
  return fmt::format("{} steps, first {}: {}", plan.size(), step.what(engine().ruleset()),
                     step.why());
}

}  // namespace novaplane::bench
