#include <fmt/format.h>

#include "dataplane/netlink/socket.h"
#include "tests/support/large_cloud.h"
#include "tools/benchmark/bare_bring_up.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// A host from nothing: from a parsed document to a plan with nothing left, and by bare loops.
namespace novaplane::bench {
namespace {

constexpr int kIterations = 5;
constexpr double kLimit = 1.3;
const test::LargeCloud kCloud{.networks = 100, .ports = 1'000, .floating_ips = 10'000};

/// The kernel looks a second later what carrier a new link has, or when it is asked about the link
/// (net/core/link_watch.c, linkwatch_sync_dev). A bridge that goes up has work with ports of which
/// that is not known yet, and nobody else shall have it or not have it by accident.
void settle_carriers(const Site& site) {
  const Site::Visit visit(site);
  auto socket = netlink::Socket::open();
  std::vector<int> indexes;
  const auto listed = socket->dump(netlink::Listing::links, [&](netlink::Observation&& told) {
    indexes.push_back(std::get<netlink::Seen<netlink::Link>>(told).value.index);
  });
  if (!listed || socket->links(indexes).size() <= kCloud.ports) give_up("look at all links");
}

/// A site where a hypervisor has made the ports' links, with a second uplink that may be used.
std::unique_ptr<Site> site_with_links() {
  auto site = std::make_unique<Site>();
  std::string commands =
      "link add eth3 type veth peer name world3\n"
      "address add 198.18.0.11/24 dev eth3\n"
      "link set eth3 up\n"
      "link set world3 up\n";
  for (unsigned i = 0; i < kCloud.ports; ++i) {
    commands += fmt::format("tuntap add dev {} mode tap\n", test::LargeCloud::interface(i));
  }
  site->ip(commands);
  settle_carriers(*site);
  return site;
}

auto time_of_ours(cloud::Cloud cloud, const Site& site) {
  const Site::Visit visit(site);
  std::optional<Host> host;
  return time_of([&] {
    host.emplace(site);
    host->load(std::move(cloud));
    host->converge();
  });
}

auto time_of_floor(const std::vector<char>& transaction, const Site& site) {
  const Site::Visit visit(site);
  BareBringUp floor(site, kCloud, transaction);
  return time_of([&] { floor.run(); });
}

void run(benchmark::State& state) {
  const cloud::Cloud cloud = read_document(kCloud.document());
  // All sites stay until the end: while the kernel takes one down, everything else waits.
  std::vector<std::unique_ptr<Site>> sites;
  const auto next_site = [&]() -> const Site& { return *sites.emplace_back(site_with_links()); };
  const std::vector<char> transaction = transaction_of(cloud, next_site());
  Line line{.ours = {}, .floor = {}, .limit = kLimit, .shows_p99 = false};
  for (auto _ : state) {
    const auto ours = time_of_ours(cloud, next_site());
    line.ours.add(ours);
    line.floor.add(time_of_floor(transaction, next_site()));
    state.SetIterationTime(ours.count() / 1e6);
  }
  put(state, line);
}

/// Beside ourselves with one uplink: what another uplink costs.
void run_with_two_uplinks(benchmark::State& state) {
  test::LargeCloud more = kCloud;
  more.second_uplink = true;
  const cloud::Cloud one = read_document(kCloud.document()), two = read_document(more.document());
  std::vector<std::unique_ptr<Site>> sites;
  const auto next_site = [&]() -> const Site& { return *sites.emplace_back(site_with_links()); };
  Line line{.ours = {}, .floor = {}, .shows_p99 = false};
  for (auto _ : state) {
    const auto ours = time_of_ours(two, next_site());
    line.ours.add(ours);
    line.floor.add(time_of_ours(one, next_site()));
    state.SetIterationTime(ours.count() / 1e6);
  }
  put(state, line);
}

}  // namespace

void add_bring_up_benchmarks() {
  const auto title = fmt::format("bring up {} networks, {} ports, {} floating IPs", kCloud.networks,
                                 kCloud.ports, kCloud.floating_ips);
  add_row(title, run)->Iterations(kIterations)->UseManualTime();
  add_row("the same with two uplinks, beside one", run_with_two_uplinks)
      ->Iterations(kIterations)
      ->UseManualTime();
}

}  // namespace novaplane::bench
