#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <atomic>
#include <optional>
#include <thread>

#include "dataplane/conntrack/flows.h"
#include "dataplane/engine/host/egress.h"
#include "dataplane/netlink/monitor.h"
#include "dataplane/netlink/socket.h"
#include "hwgw/uplinks/uplink_controller.h"
#include "tools/benchmark/bare_flows.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// An uplink loses its carrier: from then until another route is in place, beside a bare listener
/// that replaces the same route; and the flows that it carried, beside the bare request.
namespace novaplane::bench {
namespace {

constexpr int kIterations = 100, kRemovals = 15;
constexpr double kLimit = 2, kLimitMs = 5, kFlowsLimit = 1.2;
constexpr unsigned kFlows = 100'000, kOfUplink = 10'000;
constexpr std::uint32_t kTable = engine::kPreferenceTables + 1;

/// Two uplinks of veth, whose other ends are here too.
void make_uplinks(const Site& site) {
  site.ip(
      "link add up1 type veth peer name far1\nlink add up2 type veth peer name far2\n"
      "link set up1 up\nlink set far1 up\nlink set up2 up\nlink set far2 up\n"
      "address add 198.51.100.11/24 dev up1\naddress add 203.0.113.11/24 dev up2\n");
}

/// Nobody answers there: probes are far apart, so that the carrier alone decides.
cloud::Host host() {
  cloud::Host host;
  host.name = "compute1";
  const auto add = [&](const char* interface, const char* gateway) {
    cloud::Uplink& uplink = host.uplinks.emplace_back();
    uplink.name = uplink.interface = interface;
    uplink.gateway = *IpAddress::parse(gateway);
    constexpr std::uint32_t kHour = 3'600'000;
    uplink.probe.interval_ms = uplink.probe.burst_interval_ms = kHour;
  };
  add("up1", "198.51.100.1");
  add("up2", "203.0.113.1");
  return host;
}

netlink::Route route_by(int link, const char* gateway) {
  netlink::Route route;
  route.table = kTable;
  route.link = link;
  route.gateway = *IpAddress::parse(gateway);
  return route;
}

/// What takes the carrier, and hears of the route.
class Bench {
 public:
  Bench() : socket_(open(netlink::Socket::open())), events_(open(netlink::Monitor::open())) {
    up1_ = *socket_.index_of("up1");
    up2_ = *socket_.index_of("up2");
    far1_ = *socket_.index_of("far1");
  }
  template <class T>
  static T open(Result<T> opened) {
    if (!opened) give_up(opened.error().message());
    return std::move(*opened);
  }
  void carrier(bool up) {
    if (!socket_.send(netlink::set_link(far1_, {.up = up}))) give_up("set a link up or down");
  }
  void route_by_first() {
    const auto route = route_by(up1_, "198.51.100.1");
    if (!socket_.send(netlink::add_route(route, netlink::RouteHow::replace))) give_up("a route");
    (void)events_.drain([](netlink::Observation&&) {});
  }
  /// Until the route by the second one is told of.
  void wait_for_second() {
    for (bool there = false; !there;) {
      pollfd waiting{events_.fd(), POLLIN, 0};
      if (::poll(&waiting, 1, 10'000) != 1) give_up("no switch of uplinks");
      (void)events_.drain([&](netlink::Observation&& told) {
        const auto* route = std::get_if<netlink::Seen<netlink::Route>>(&told);
        there |= route && route->value.table == kTable && route->value.link == up2_;
      });
    }
  }
  int up1() const { return up1_; }
  int up2() const { return up2_; }

 private:
  netlink::Socket socket_;
  netlink::Monitor events_;
  int up1_ = 0, up2_ = 0, far1_ = 0;
};

/// Listens, and replaces the route when the link has no carrier any more; nothing else.
class BareListener {
 public:
  BareListener(int from, int to)
      : links_(Bench::open(netlink::Monitor::of_links())),
        socket_(Bench::open(netlink::Socket::open())),
        stop_(::eventfd(0, EFD_CLOEXEC)),
        thread_([this, from, to] { listen(from, to); }) {
    ready_.wait(false);
  }
  ~BareListener() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void listen(int from, int to) {
    const auto request =
        netlink::add_route(route_by(to, "203.0.113.1"), netlink::RouteHow::replace);
    ready_ = true;
    ready_.notify_one();
    for (;;) {
      pollfd waiting[] = {{links_.fd(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      ::poll(waiting, 2, -1);
      if (waiting[1].revents != 0) return;
      bool lost = false;
      (void)links_.drain([&](netlink::Observation&& told) {
        const auto* link = std::get_if<netlink::Seen<netlink::Link>>(&told);
        lost |= link && link->value.index == from && !link->value.carrier;
      });
      if (lost) (void)socket_.send(request);
    }
  }

  netlink::Monitor links_;
  netlink::Socket socket_;
  Fd stop_;
  std::atomic<bool> ready_ = false;
  std::thread thread_;
};

/// Ours: alive again for each round, since what it knows goes with it.
class OurPilot {
 public:
  explicit OurPilot(Bench&) {
    auto controller = hwgw::UplinkController::start({}, [](const hwgw::Decision&) {});
    controller_ = Bench::open(std::move(controller));
    cloud::Cloud cloud;
    cloud.hosts["compute1"] = host();
    engine::Facts facts;
    facts.links["up1"].addresses = {*Prefix::parse("198.51.100.11/24")};
    facts.links["up2"].addresses = {*Prefix::parse("203.0.113.11/24")};
    controller_->set_route_plan(hwgw::route_plan_of(cloud, cloud.hosts["compute1"], facts));
    while (controller_->statuses().size() != 2) {
    }
  }

 private:
  std::unique_ptr<hwgw::UplinkController> controller_;
};

template <class Listener, class... Arguments>
auto time_of_switch(Bench& bench, Arguments&&... arguments) {
  bench.carrier(true);
  bench.route_by_first();
  const Listener listener(arguments...);
  return time_of([&] {
    bench.carrier(false);
    bench.wait_for_second();
  });
}

void run_switch(benchmark::State& state) {
  const Site site;
  const Site::Visit visit(site);
  make_uplinks(site);
  Bench bench;
  Line line{.ours = {}, .floor = {}, .limit = kLimit, .limit_ms = kLimitMs};
  for (auto _ : state) {
    const auto ours = time_of_switch<OurPilot>(bench, bench);
    line.ours.add(ours);
    line.floor.add(time_of_switch<BareListener>(bench, bench.up1(), bench.up2()));
    state.SetIterationTime(ours.count() / 1e6);
  }
  put(state, line);
}

void run_flows(benchmark::State& state) {
  const Site site;
  const Site::Visit visit(site);
  BareFlows bare(site);
  constexpr std::uint32_t kUplink = 1, kOther = 2;
  const Ipv4 beyond = ::inet_addr("100.64.0.1"), elsewhere = ::inet_addr("100.64.0.2");
  bare.make(elsewhere, 0, kFlows - kOfUplink, kOther);
  auto flows = conntrack::Flows::open();
  if (!flows || !flows->best_way()) give_up("conntrack cannot be asked");
  engine::ForgetFlows wanted{engine::ForgetFlows::Which::mark, {}};
  wanted.mark = kUplink;
  Line line{.ours = {}, .floor = {}, .limit = kFlowsLimit, .shows_p99 = false};
  for (auto _ : state) {
    bare.make(beyond, 0, kOfUplink, kUplink);
    const auto ours = time_of([&] {
      if (!flows->forget(std::span(&wanted, 1))) give_up("flows cannot be removed");
    });
    line.ours.add(ours);
    bare.make(beyond, 0, kOfUplink, kUplink);
    line.floor.add(time_of([&] { bare.remove_marked(kUplink, engine::Marks().any_uplink()); }));
    state.SetIterationTime(ours.count() / 1e6);
  }
  put(state, line);
}

}  // namespace

void add_uplink_benchmarks() {
  add_row("carrier lost, the route goes by the other uplink", run_switch)
      ->Iterations(kIterations)
      ->UseManualTime();
  const auto title = fmt::format("forget {} flows of an uplink among {}", kOfUplink, kFlows);
  add_row(title, run_flows)->Iterations(kRemovals)->UseManualTime();
}

}  // namespace novaplane::bench
