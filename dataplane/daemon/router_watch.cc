#include "dataplane/daemon/router_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "dataplane/daemon/log.h"
#include "dataplane/node/gateway_rows.h"
#include "hwgw/router/router_targets.h"

namespace novaplane::daemon {
namespace {

void tell(const hwgw::Target& target, const engine::RouterFacts& before,
          const engine::RouterFacts& after, const hwgw::TargetStatus& status) {
  if (after.is_dead != before.is_dead) {
    const auto line =
        fmt::format("{} is {}: {}", target.name, after.is_dead ? "dead" : "back", status.reason);
    after.is_dead ? log::warning("{}", line) : log::info("{}", line);
  }
  if (after.mac == before.mac || !after.mac) return;
  log::info("{} is at {}{}", target.name, *after.mac,
            before.mac ? fmt::format(", was at {}", *before.mac) : "");
}

}  // namespace

Result<std::unique_ptr<RouterWatch>> RouterWatch::open(Loop& loop, node::Node& node,
                                                       const std::string& run_dir,
                                                       Loop::Task on_news) {
  std::unique_ptr<RouterWatch> watch(new RouterWatch(loop, node, run_dir, std::move(on_news)));
  auto watcher = hwgw::Watcher::start([watch = watch.get()](const hwgw::TargetStatus& status) {
    watch->loop_.post([watch, status] { watch->on_status(status); });
  });
  if (!watcher) return tl::unexpected(watcher.error());
  watch->watcher_ = std::move(*watcher);
  return watch;
}

RouterWatch::RouterWatch(Loop& loop, node::Node& node, const std::string& run_dir,
                         Loop::Task on_news)
    : loop_(loop), node_(node), records_(run_dir), on_news_(std::move(on_news)) {}

void RouterWatch::follow() {
  const engine::Compiler& document = node_.engine().document();
  std::vector<hwgw::Target> targets;
  if (document.host()) targets = hwgw::router_targets(document.context());
  // What was believed at first is no difference.
  for (hwgw::Target& target : targets) {
    const auto old = std::find_if(targets_.begin(), targets_.end(),
                                  [&](const auto& other) { return other.name == target.name; });
    if (old != targets_.end()) target.believed = old->believed;
  }
  if (targets == targets_) return;
  targets_ = std::move(targets);
  watcher_->watch(targets_);
  loop_.post([this] { set_routers(hwgw::only(node_.engine().kernel().routers(), targets_)); });
}

void RouterWatch::add_statuses(node::Show& show) {
  node::add_statuses(show.gateways, targets_, watcher_->statuses());
}

void RouterWatch::on_status(const hwgw::TargetStatus& status) {
  const auto target = std::find_if(targets_.begin(), targets_.end(),
                                   [&](const hwgw::Target& t) { return t.name == status.target; });
  if (target == targets_.end()) return;
  hwgw::KnownRouters known = node_.engine().kernel().routers();
  engine::RouterFacts& facts = known[hwgw::router_of(*target)];
  const engine::RouterFacts before = facts;
  facts.is_dead = status.state == hwgw::Health::dead;
  // Until it is back for good, guests send to where it was.
  if (status.mac && !facts.is_dead) facts.mac = status.mac;
  const engine::RouterFacts after = facts;
  set_routers(std::move(known));
  tell(*target, before, after, status);
}

/// The pass first: guests wait for it.
void RouterWatch::set_routers(hwgw::KnownRouters known) {
  if (known == node_.engine().kernel().routers()) return;
  node_.engine().kernel().set_routers(known);
  on_news_();
  if (auto written = records_.write(known); !written) log::error("{}", written.error().message());
}

}  // namespace novaplane::daemon
