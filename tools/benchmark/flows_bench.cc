#include <arpa/inet.h>
#include <fmt/format.h>

#include "dataplane/conntrack/flows.h"
#include "tools/benchmark/bare_flows.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// The flows of one floating IP that is removed, among many of others: what the worker does that
/// nobody waits for, and the bare requests.
namespace novaplane::bench {
namespace {

constexpr unsigned kOthers = 100'000, kOwn = 10;
constexpr int kIterations = 15;
constexpr const char *kFloating = "100.64.0.1", *kElsewhere = "100.64.0.2";

void run(benchmark::State& state) {
  using Which = conntrack::FlowFilter::Which;
  const Site site;
  const Site::Visit visit(site);
  BareFlows bare(site);
  bare.make(inet_addr(kElsewhere), 0, kOthers);
  auto flows = conntrack::Flows::open();
  if (!flows || !flows->best_way()) give_up("conntrack cannot be asked");
  const auto address = *IpAddress::parse(kFloating);
  const conntrack::FlowFilter wanted[] = {{Which::original_destination, address},
                                          {Which::reply_destination, address}};
  Line line{.ours = {}, .floor = {}, .shows_p99 = false};
  for (auto _ : state) {
    bare.make(inet_addr(kFloating), kOthers, kOwn);
    const auto ours = time_of([&] {
      if (!flows->forget(wanted)) give_up("flows cannot be removed");
    });
    line.ours.add(ours);
    bare.make(inet_addr(kFloating), kOthers, kOwn);
    line.floor.add(time_of([&] { bare.remove(inet_addr(kFloating)); }));
    state.SetIterationTime(ours.count() / 1e6);
  }
  put(state, line);
}

}  // namespace

void add_flows_benchmarks() {
  const auto title = fmt::format("forget {} flows of one floating IP among {}", kOwn, kOthers);
  add_row(title, run)->Iterations(kIterations)->UseManualTime();
}

}  // namespace novaplane::bench
