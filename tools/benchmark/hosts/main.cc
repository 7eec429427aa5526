#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <thread>

#include "dataplane/base/files.h"
#include "dataplane/cloud/text.h"
#include "dataplane/store/committer.h"
#include "dataplane/store/sqlite_database.h"
#include "tools/benchmark/hosts/bare_etcd.h"
#include "tools/benchmark/hosts/cluster.h"
#include "tools/benchmark/hosts/many_hosts_cloud.h"
#include "tools/benchmark/hosts/routes.h"
#include "tools/benchmark/report.h"

/// Many hosts over one store: how long until a change at one host is in another's kernel, beside
/// etcd's own put until its event; what a host loads when it begins; what it takes in memory; how
/// many may write at once. Three members of etcd and all hosts share this machine's processors.
///
///   many_hosts BINARY-DIR [what Google Benchmark takes]
namespace novaplane::bench {
namespace {

constexpr int kChanges = 300;
constexpr unsigned kSource = 0, kTarget = 1,
                   kOther = 2;  ///< the host that is asked, that of the port
constexpr auto kAddress = "203.0.113.7";
constexpr auto kFloatingIp = "/v1/floating_ips/203.0.113.7";

std::string binary_dir;

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error(what); }

void must(const Daemon::Reply& reply) {
  if (reply.status < 200 || reply.status > 299) fail(reply.body);
}

void apply_to(const Daemon& daemon, const std::string& document) {
  must(daemon.ask("POST", "/v1/apply", document));
}

/// Where a host is: the revision of its copy, and that in its kernel.
struct Position {
  long long revision = 0, applied = 0;
};
Position position_of(const Daemon& daemon) {
  const std::string status = daemon.ask("GET", "/v1/status").body;
  constexpr std::string_view kRevision = "\"revision\":", kApplied = ",\"applied\":";
  const auto applied = status.find(kApplied);
  if (applied == std::string::npos) return {};
  const auto revision = status.rfind(kRevision, applied);
  return {std::atoll(status.c_str() + revision + kRevision.size()),
          std::atoll(status.c_str() + applied + kApplied.size())};
}

/// Until the host has the whole cloud, or has it in its kernel too.
void await_position(const Daemon& daemon, bool in_kernel) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  for (;;) {
    const Position position = position_of(daemon);
    if (position.revision > 0 && (!in_kernel || position.applied == position.revision)) return;
    if (std::chrono::steady_clock::now() > end) fail("a host does not follow");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

template <class Ours, class Floor>
void measure(benchmark::State& state, Line line, Ours&& ours, Floor&& floor) {
  for (auto _ : state) {
    const std::chrono::duration<double, std::micro> time = ours();
    line.ours.add(time);
    line.floor.add(floor());
    state.SetIterationTime(time.count() / 1e6);
  }
  put(state, line);
}

/// A floating IP that a host is asked for, until it answers for it.
auto put_until_route(const Daemon& asked, Routes& routes) {
  const std::string body = fmt::format(R"({{"port":"{}"}})", ManyHostsCloud::port(kTarget, 0));
  const auto time = time_of([&] {
    const Fd answer = asked.send("PUT", kFloatingIp, body);
    routes.await(kAddress, true);
    must(Daemon::receive(answer));
  });
  must(asked.ask("DELETE", kFloatingIp));
  routes.await(kAddress, false);
  return time;
}

constexpr auto kValue =
    R"({"network":"net12","host":"host12","mac":"fa:16:3e:00:12:34","address":"10.0.12.34",)"
    R"("interface":"tap1234","order":1048576})";

void change_across_hosts(benchmark::State& state, unsigned ports) {
  const Cluster cluster(binary_dir);
  Daemon source = cluster.start_with_store(kSource), target = cluster.start_with_store(kTarget);
  source.await_listening();
  target.await_listening();
  apply_to(source, ManyHostsCloud{ports}.document());
  await_position(source, /*in_kernel=*/true);
  await_position(target, /*in_kernel=*/true);
  Routes routes(cluster.netns(kTarget));
  BareEtcd bare(Cluster::member(kSource), Cluster::member(kTarget));
  Line line;
  line.limit = 2;
  measure(
      state, line, [&] { return put_until_route(source, routes); },
      [&] { return bare.put_to_event(kValue); });
}

/// On a disk: /dev/shm syncs for nothing.
class DiskFolder {
 public:
  DiskFolder() : path_(binary_dir + "/np-bench-" + std::to_string(::getpid())) {
    std::filesystem::create_directories(path_);
  }
  ~DiskFolder() { std::filesystem::remove_all(path_); }
  std::string path(const std::string& name) const { return path_ + '/' + name; }

 private:
  std::string path_;
};

void change_of_one_machine(benchmark::State& state, unsigned ports) {
  const DiskFolder disk;
  const Cluster cluster(binary_dir);
  Daemon host = cluster.start(kTarget, {"--store", "sqlite:" + disk.path("cloud.db")});
  host.await_listening();
  apply_to(host, ManyHostsCloud{ports}.document());
  await_position(host, /*in_kernel=*/true);
  Routes routes(cluster.netns(kTarget));
  auto bare = store::SqliteDatabase::open(disk.path("bare.db"));
  if (!bare) fail(bare.error().words);
  const auto execute = [&](const std::string& words) {
    if (auto done = (*bare)->execute(words.c_str()); !done) fail(done.error().words);
  };
  execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE t (v TEXT)");
  Line line;
  line.limit_ms = 3;
  measure(
      state, line, [&] { return put_until_route(host, routes); },
      [&] {
        return time_of([&] { execute(fmt::format("INSERT INTO t VALUES ('{}')", kValue)); });
      });
}

/// A host that has nothing yet, until it has the whole cloud.
void first_synchronisation(benchmark::State& state, unsigned ports) {
  Cluster cluster(binary_dir);
  Daemon source = cluster.start_with_store(kSource);
  source.await_listening();
  apply_to(source, ManyHostsCloud{ports}.document());
  BareEtcd bare(Cluster::member(kSource), Cluster::member(kTarget));
  Line line;
  line.limit_ms = 2000;
  line.shows_p99 = false;
  measure(
      state, line,
      [&] {
        std::filesystem::remove(cluster.replica(kTarget));
        cluster.renew(kTarget);
        return time_of([&] {
          Daemon target = cluster.start_with_store(kTarget);
          target.await_listening();
          await_position(target, /*in_kernel=*/false);
        });
      },
      [&] { return time_of([&] { bare.read_all("/novaplane/"); }); });
}

/// A host that boots while the store is away, beside one that boots with a file.
void cold_boot(benchmark::State& state, unsigned ports) {
  Cluster cluster(binary_dir);
  const std::string file = cluster.folder() + "/cloud.yaml";
  {
    Daemon source = cluster.start_with_store(kSource), target = cluster.start_with_store(kTarget);
    source.await_listening();
    apply_to(source, ManyHostsCloud{ports}.document());
    target.await_ready();
    await_position(target, /*in_kernel=*/true);
    const auto exported = source.ask("GET", "/v1/cloud");
    must(exported);
    if (auto written = write_whole(file, exported.body); !written) {
      fail(written.error().message());
    }
  }
  cluster.stop_members();
  const auto boot = [&](const std::vector<std::string>& source) {
    cluster.renew(kTarget);
    return time_of([&] {
      Daemon target = cluster.start(kTarget, source);
      target.await_ready();
    });
  };
  Line line;
  line.limit = 1;
  line.shows_p99 = false;
  measure(
      state, line,
      [&] {
        return boot({"--store", cluster.store(), "--replica", cluster.replica(kTarget)});
      },
      [&] {
        return boot({"--state", file});
      });
  cluster.continue_members();
}

/// What a host takes in memory with the store, beside one with the same cloud in a file.
void memory(benchmark::State& state, unsigned ports) {
  Cluster cluster(binary_dir);
  const std::string file = cluster.folder() + "/cloud.yaml";
  const std::string document = ManyHostsCloud{ports}.document();
  if (auto written = write_whole(file, document); !written) fail(written.error().message());
  Daemon source = cluster.start_with_store(kSource);
  source.await_listening();
  apply_to(source, document);
  Line line;
  line.limit_mb = 60;
  line.shows_p99 = false;
  for (auto _ : state) {
    Daemon with_store = cluster.start_with_store(kTarget);
    with_store.await_ready();
    await_position(with_store, /*in_kernel=*/true);
    Daemon with_file = cluster.start(kOther, {"--state", file});
    with_file.await_ready();
    line.ours.add_bytes(with_store.memory().resident - with_file.memory().resident);
    line.floor.add_bytes(with_file.memory().resident);
    state.SetIterationTime(1);
  }
  put(state, line);
}

/// One of several that write at once: each with a copy of its own.
class Writer {
 public:
  Writer(const std::string& words, unsigned number) : number_(number), store_(open(words)) {}

  void write(unsigned round) {
    const auto propose =
        [&](const store::Copy& copy) -> tl::expected<store::Proposal, store::Declined> {
      store::Proposal proposal;
      const cloud::ObjectName name{cloud::Kind::pool, fmt::format("pool{}", number_)};
      auto read =
          cloud::read_json(copy.cloud(), name,
                           fmt::format(R"({{"ranges":["10.{}.{}.0/24"]}})", number_, round % 250),
                           proposal.findings);
      if (!read) fail("a pool cannot be read");
      proposal.edits.push_back({name, std::move(read->object)});
      return proposal;
    };
    const auto outcome = committer_.commit(propose, "bench");
    if (!std::holds_alternative<store::Done>(outcome)) fail("a commit fails");
  }

 private:
  static std::unique_ptr<store::Store> open(const std::string& words) {
    auto opened = store::open_store(words);
    if (!opened) fail(opened.error().words);
    return std::move(*opened);
  }

  unsigned number_;
  std::unique_ptr<store::Store> store_;
  store::Copy copy_;
  store::Follower follower_{*store_, copy_};
  store::Committer committer_{*store_, copy_, follower_, {.patience = std::chrono::minutes(1)}};
};

/// Time for each commit of eight writers together; 5 ms are 200 a second.
void eight_writers(benchmark::State& state) {
  constexpr unsigned kWriters = 8, kRounds = 100;
  const Cluster cluster(binary_dir);
  BareEtcd bare(Cluster::member(kSource), Cluster::member(kTarget));
  std::vector<std::unique_ptr<Writer>> writers;
  for (unsigned i = 0; i < kWriters; ++i) {
    writers.push_back(std::make_unique<Writer>(cluster.store(), i));
  }
  writers.front()->write(0);
  Line line;
  line.limit_ms = 5;
  line.shows_p99 = false;
  measure(
      state, line,
      [&] {
        const auto all = time_of([&] {
          std::vector<std::thread> threads;
          for (unsigned i = 0; i < kWriters; ++i) {
            threads.emplace_back([&writer = *writers[i]] {
              for (unsigned round = 1; round <= kRounds; ++round) writer.write(round);
            });
          }
          for (std::thread& thread : threads) thread.join();
        });
        return all / (kWriters * kRounds);
      },
      [&] { return bare.put_to_event(kValue); });
}

/// A whole document into an empty store, beside its objects put by 128.
void apply_document(benchmark::State& state, unsigned ports) {
  const std::string document = ManyHostsCloud{ports}.document();
  Line line;
  line.limit_ms = 5000;
  line.shows_p99 = false;
  for (auto _ : state) {
    const Cluster cluster(binary_dir);
    Daemon source = cluster.start_with_store(kSource);
    source.await_listening();
    BareEtcd bare(Cluster::member(kSource), Cluster::member(kTarget));
    const auto time = time_of([&] { apply_to(source, document); });
    line.ours.add(time);
    line.floor.add(time_of([&] { bare.put_many(ports, 128, kValue); }));
    state.SetIterationTime(time.count() / 1e6);
  }
  put(state, line);
}

void add_rows() {
  const auto row = [](const std::string& title, int iterations, auto run) {
    add_row(title, run)->Iterations(iterations)->UseManualTime();
  };
  for (const unsigned ports : {100U, 100'000U}) {
    row(fmt::format("a change at one host, in another's kernel ({} ports)", ports), kChanges,
        [=](auto& state) { change_across_hosts(state, ports); });
  }
  for (const unsigned ports : {1'000U, 100'000U}) {
    row(fmt::format("a change of one machine with SQLite, in its kernel ({} ports)", ports),
        kChanges, [=](auto& state) { change_of_one_machine(state, ports); });
  }
  constexpr unsigned kMany = 100'000, kFew = 10'000;
  row("first synchronisation of a host (100000 ports)", 3,
      [](auto& state) { first_synchronisation(state, kMany); });
  row("boot while the store is away, beside a file (100000 ports)", 3,
      [](auto& state) { cold_boot(state, kMany); });
  row("memory more than with a file, beside it (100000 ports)", 1,
      [](auto& state) { memory(state, kMany); });
  row("a commit, of eight writers at once", 1, [](auto& state) { eight_writers(state); });
  row("apply -f of 10000 ports", 3, [](auto& state) { apply_document(state, kFew); });
}

int run(int argc, char** argv) {
  if (argc < 2 || ::geteuid() != 0) {
    std::fputs("usage, as root: many_hosts BINARY-DIR [what Google Benchmark takes]\n", stderr);
    return 64;
  }
  binary_dir = std::filesystem::absolute(argv[1]);
  std::copy(argv + 2, argv + argc, argv + 1);
  --argc;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  add_rows();
  TableReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  for (const std::string& row : reporter.failed()) {
    std::fprintf(stderr, "many_hosts: failed: %s\n", row.c_str());
  }
  return reporter.failed().empty() ? 0 : 1;
}

}  // namespace
}  // namespace novaplane::bench

int main(int argc, char** argv) { return novaplane::bench::run(argc, argv); }
