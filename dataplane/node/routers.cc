#include "dataplane/node/routers.h"

#include <iterator>

#include "hwgw/router/one_shot_probe.h"
#include "hwgw/router/router_targets.h"

namespace novaplane::node {
namespace {

template <class T>
void append(std::vector<T>& to, std::vector<T>&& from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

Result<void> converge_with_routers(Node& node, engine::Executor& executor,
                                   engine::ServiceDriver& services,
                                   const engine::Executor::Progress& progress,
                                   const std::string& run_dir, Outcome& outcome) {
  engine::Engine& engine = node.engine();
  if (!engine.document().host()) return {};
  auto targets = hwgw::router_targets(engine.document().context());
  const hwgw::KnownRouters before = hwgw::only(engine.kernel().routers(), targets);
  auto known = hwgw::probe_routers(std::move(targets), before);
  if (!known) return tl::unexpected(known.error());
  const hwgw::RouterRecords records(run_dir);
  if (*known != records.read()) {
    // Without it they are asked anew.
    auto written = records.write(*known);
    if (!written) outcome.unrecorded.push_back(written.error().message());
  }
  if (*known == before) return {};
  engine.kernel().set_routers(std::move(*known));
  auto more = converge(node, executor, services, progress);
  if (!more) return tl::unexpected(more.error());
  append(outcome.done, std::move(more->done));
  append(outcome.unrecorded, std::move(more->unrecorded));
  append(outcome.side_effects.announcements, std::move(more->side_effects.announcements));
  append(outcome.side_effects.flows, std::move(more->side_effects.flows));
  outcome.failures = std::move(more->failures);
  return {};
}

}  // namespace novaplane::node
