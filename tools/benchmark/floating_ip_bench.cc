#include <arpa/inet.h>
#include <fmt/format.h>

#include "tests/support/large_cloud.h"
#include "tools/benchmark/bare_floating_ips.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// One floating IP among many: through the engine (edit, plan, apply, settle, hear), and by a bare
/// loop, in turns. Both hosts hold the same objects.
namespace novaplane::bench {
namespace {

constexpr unsigned kPortsPerNetwork = 250;
constexpr int kIterations = 2000;

/// A floating IP for each port, and two ports more.
test::LargeCloud cloud_of(unsigned others) {
  const unsigned ports = others + 2;
  return {(ports + kPortsPerNetwork - 1) / kPortsPerNetwork, ports, others};
}

Ipv4 in_network_order(const std::string& address) { return inet_addr(address.c_str()); }

class Arena {
 public:
  explicit Arena(unsigned others) : large_(cloud_of(others)), others_(others) {
    const auto cloud = read_document(large_.document());
    for (auto [host, site] : {std::pair{&engine_, &engine_site_}, {&floor_host_, &floor_site_}}) {
      const Site::Visit visit(*site);
      host->load(cloud);
      host->converge();
    }
    for (unsigned i = 0; i < 2; ++i) {
      ports_[i] = test::LargeCloud::port(others + i);
      fixed_[i] = in_network_order(large_.address(others + i));
    }
  }

  unsigned others() const { return others_; }

  /// The i-th floating IP that is not there.
  void choose(unsigned i) {
    address_ = test::LargeCloud::floating_ip(others_ + i % kIterations);
    floating_.address = *IpAddress::parse(address_);
    bare_ = in_network_order(address_);
    comment_ = "floating IP " + address_;
  }

  auto engine_puts(unsigned port) {
    const Site::Visit visit(engine_site_);
    floating_.port = ports_[port];
    return time_of([&] {
      engine_.engine().document().put(floating_);
      engine_.pass();
    });
  }
  auto engine_removes() {
    const Site::Visit visit(engine_site_);
    return time_of([&] {
      engine_.engine().document().remove({engine::ObjectKind::floating_ip, address_});
      engine_.pass();
    });
  }
  auto floor_adds() {
    return time_of([&] { floor_.add(bare_, fixed_[0], comment_); });
  }
  auto floor_moves() {
    return time_of([&] { floor_.move(bare_, fixed_[0], fixed_[1], comment_); });
  }
  auto floor_removes() {
    return time_of([&] { floor_.remove(bare_, fixed_[1]); });
  }
  void check() {
    const std::string left = engine_.first_step();
    if (!left.empty()) give_up("there is something left to do: " + left);
  }

 private:
  test::LargeCloud large_;
  unsigned others_;
  Site engine_site_, floor_site_;
  Host engine_{engine_site_};
  Host floor_host_{floor_site_};
  BareFloatingIps floor_{floor_site_};
  std::string ports_[2];
  Ipv4 fixed_[2];
  std::string address_, comment_;
  cloud::FloatingIp floating_;
  Ipv4 bare_ = 0;
};

Arena& arena_of(unsigned others) {
  static std::unique_ptr<Arena> arena;
  if (!arena || arena->others() != others) {
    arena.reset();
    arena = std::make_unique<Arena>(others);
  }
  return *arena;
}

enum class Operation { add, move, remove };

void run(benchmark::State& state, Operation measured, unsigned others) {
  Arena& arena = arena_of(others);
  Line line;
  line.limit = 2;
  unsigned i = 0;
  const auto note = [&](Operation operation, auto ours, auto floor) {
    if (operation != measured) return;
    line.ours.add(ours);
    line.floor.add(floor);
    state.SetIterationTime(ours.count() / 1e6);
  };
  for (auto _ : state) {
    arena.choose(i++);
    note(Operation::add, arena.engine_puts(0), arena.floor_adds());
    note(Operation::move, arena.engine_puts(1), arena.floor_moves());
    note(Operation::remove, arena.engine_removes(), arena.floor_removes());
  }
  arena.check();
  put(state, line);
}

}  // namespace

void add_floating_ip_benchmarks() {
  for (const unsigned others : {1'000, 10'000, 100'000}) {
    for (const auto& [operation, name] : {std::pair{Operation::add, "add"},
                                          {Operation::move, "move"},
                                          {Operation::remove, "remove"}}) {
      const auto title = fmt::format("{} one floating IP among {}", name, others);
      add_row(title,
              [operation = operation, others](auto& state) { run(state, operation, others); })
          ->Iterations(kIterations)
          ->UseManualTime();
    }
  }
}

}  // namespace novaplane::bench
