#include <fmt/format.h>

#include "tools/benchmark/bare_networks.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// Many networks with VLAN or VXLAN devices: up and away, and one port more on another host.
namespace novaplane::bench {
namespace {

using test::UnderlayCloud;
using enum UnderlayCloud::Segment;

constexpr int kOneMore = 1000;  ///< iterations of it

std::unique_ptr<Site> site_with_nic() {
  auto site = std::make_unique<Site>();
  site->ip("link add eth1 type veth peer name wire\nlink set eth1 up\nlink set wire up\n");
  return site;
}

/// Both sides once: up, and away if that is asked for.
struct Times {
  std::chrono::duration<double, std::micro> up, away;
};

Times times_of_ours(const Site& site, const cloud::Cloud& cloud, bool away) {
  const Site::Visit visit(site);
  std::optional<Host> host;
  Times times{};
  times.up = time_of([&] {
    host.emplace(site);
    host->load(cloud);
    host->converge();
  });
  if (!away) return times;
  times.away = time_of([&] {
    host->engine().want_nothing();
    host->converge();
  });
  return times;
}

Times times_of_floor(const Site& site, const UnderlayCloud& wired, std::vector<char> transaction,
                     bool away) {
  const Site::Visit visit(site);
  BareNetworks floor(site, wired, std::move(transaction));
  Times times{};
  times.up = time_of([&] { floor.bring_up(); });
  if (away) times.away = time_of([&] { floor.remove(); });
  return times;
}

void run(benchmark::State& state, const UnderlayCloud& wired, bool away) {
  const cloud::Cloud cloud = read_document(wired.document());
  std::vector<std::unique_ptr<Site>> sites;  // while the kernel takes one down, all else waits
  const auto next_site = [&]() -> const Site& { return *sites.emplace_back(site_with_nic()); };
  const std::vector<char> transaction = transaction_of(cloud, next_site());
  Line line{.ours = {}, .floor = {}, .shows_p99 = false};
  for (auto _ : state) {
    const Times ours = times_of_ours(next_site(), cloud, away);
    const Times floor = times_of_floor(next_site(), wired, transaction, away);
    line.ours.add(away ? ours.away : ours.up);
    line.floor.add(away ? floor.away : floor.up);
    state.SetIterationTime((away ? ours.away : ours.up).count() / 1e6);
  }
  put(state, line);
}

/// Added, and removed again: both sides at the same size.
void run_one_more(benchmark::State& state, const UnderlayCloud& wired, bool removes) {
  const cloud::Cloud cloud = read_document(wired.document());
  const auto ours_site = site_with_nic(), floor_site = site_with_nic();
  Host ours(*ours_site), floor_host(*floor_site);
  for (auto [host, site] : {std::pair{&ours, &ours_site}, {&floor_host, &floor_site}}) {
    const Site::Visit visit(**site);
    host->load(cloud);
    host->converge();
  }
  BareNetworks floor(*floor_site, wired, {});
  {
    const Site::Visit visit(*floor_site);
    floor.learn_indexes();
  }
  cloud::Port port = cloud.ports.at(UnderlayCloud::port(0));
  const unsigned number = wired.remote_ports;
  port.name = UnderlayCloud::port(number);
  port.network = UnderlayCloud::network(wired.network_of(number));
  port.host = UnderlayCloud::host(wired.host_of(number));
  port.mac = *Mac::parse(UnderlayCloud::mac(number));
  port.address = *IpAddress::parse(wired.address(number));
  const Site::Visit visit(*ours_site);
  Line line;
  for (auto _ : state) {
    const auto added = time_of([&] {
      ours.engine().document().put(port);
      ours.pass();
    });
    const auto removed = time_of([&] {
      ours.engine().document().remove({engine::ObjectKind::port, port.name});
      ours.pass();
    });
    const auto floor_added = time_of([&] { floor.add_port(number); });
    const auto floor_removed = time_of([&] { floor.remove_port(number); });
    line.ours.add(removes ? removed : added);
    line.floor.add(removes ? floor_removed : floor_added);
    state.SetIterationTime((removes ? removed : added).count() / 1e6);
  }
  if (const std::string left = ours.first_step(); !left.empty()) {
    give_up("there is something left to do: " + left);
  }
  put(state, line);
}

void add(const std::string& title, const UnderlayCloud& wired, int iterations) {
  for (const bool away : {false, true}) {
    add_row(fmt::format("{} {}", away ? "remove" : "bring up", title),
            [=](auto& state) { run(state, wired, away); })
        ->Iterations(iterations)
        ->UseManualTime();
  }
}

std::string title_of(const UnderlayCloud& wired) {
  return fmt::format("{} VXLAN networks, {} ports on other hosts", wired.networks,
                     wired.remote_ports);
}

}  // namespace

void add_vxlan_benchmarks(bool with_long_ones) {
  const UnderlayCloud few{vxlan, 10, 100}, some{vxlan, 100, 1'000}, many{vxlan, 1'000, 10'000};
  add(title_of(some), some, 3);
  const auto title = "bring up " + title_of(many);
  if (with_long_ones) {
    add(title_of(many), many, 1);
  } else {
    add_row(title, [=](auto& state) { run(state, many, false); })->Iterations(3)->UseManualTime();
  }
  for (const UnderlayCloud& wired : {few, many}) {
    for (const bool removes : {false, true}) {
      add_row(fmt::format("{} one port on another host: {}", removes ? "remove" : "add",
                          title_of(wired)),
              [=](auto& state) { run_one_more(state, wired, removes); })
          ->Iterations(kOneMore)
          ->UseManualTime();
    }
  }
}

void add_vlan_benchmarks(bool with_long_ones) {
  for (const unsigned networks : {1'000u, 4'000u}) {
    if (networks > 1'000 && !with_long_ones) continue;
    add(fmt::format("{} VLAN networks", networks), UnderlayCloud{vlan, networks, 0}, 1);
  }
}

}  // namespace novaplane::bench
