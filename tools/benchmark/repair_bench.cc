#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>
#include <regex>

#include "dataplane/base/files.h"
#include "dataplane/base/process.h"
#include "tests/support/large_cloud.h"
#include "tools/benchmark/bare_floating_ips.h"
#include "tools/benchmark/bare_transaction.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// novaplaned itself, whose rules somebody flushes: from the kernel's answer to the flush until the
/// generation moves on, which it does with the one transaction that writes everything again. Beside
/// a bare loop that sends the same transaction.
namespace novaplane::bench {
namespace {

using namespace std::chrono_literals;

constexpr int kIterations = 15;
constexpr double kLimitMs = 100;
const test::LargeCloud kCloud{.networks = 100, .ports = 1'000, .floating_ips = 10'000};

/// Without dnsmasq, which has no part in it.
std::string document() {
  return std::regex_replace(kCloud.document(), std::regex("(gateway: 10[0-9.]*)"),
                            "$1, dhcp: {enabled: false}");
}

/// The service manager's end of sd_notify(3).
class Manager {
 public:
  Manager() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::string name = fmt::format("novaplane-bench-{}", ::getpid());
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(&address.sun_path[1], sizeof(address.sun_path) - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) give_up("bind");
    ::setenv("NOTIFY_SOCKET", ("@" + name).c_str(), 1);
  }
  ~Manager() { ::unsetenv("NOTIFY_SOCKET"); }

  void wait_until_ready() {
    const timeval patience{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    std::array<char, 4096> text;
    for (;;) {
      const ssize_t size = ::recv(socket_.get(), text.data(), text.size(), 0);
      if (size < 0) give_up("novaplaned does not get ready");
      const std::string_view told(text.data(), static_cast<std::size_t>(size));
      if (told.find("READY=1") != std::string_view::npos) return;
    }
  }

 private:
  Fd socket_;
};

/// At its site as long as this lives.
class Daemon {
 public:
  explicit Daemon(const Site& site) {
    const std::string path = site.run_dir() + "/cloud.yaml";
    if (!write_whole(path, document())) give_up("write the document");
    Manager manager;
    auto started = spawn({NOVAPLANED_PROGRAM, "--state", path, "--host", std::string(kHostName),
                          "--run-dir", site.run_dir()});
    if (!started) give_up(started.error().message());
    child_.emplace(std::move(*started));
    manager.wait_until_ready();
  }
  ~Daemon() {
    (void)child_->process().signal(SIGTERM);
    (void)child_->wait(std::chrono::steady_clock::now() + 10s);
  }
  Daemon(const Daemon&) = delete;

 private:
  std::optional<Child> child_;
};

std::uint32_t generation(nft::Client& client) {
  const auto now = client.ask_generation();
  if (!now) give_up(now.error().message());
  return *now;
}

void wait_for_another(nft::Client& client, std::uint32_t generation_now) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (generation(client) == generation_now) {
    if (std::chrono::steady_clock::now() > deadline) give_up("novaplaned does not repair");
  }
}

auto time_of_ours(nft::Client& client, BareTransaction& bare) {
  bare.flush();
  const std::uint32_t flushed = generation(client);
  return time_of([&] { wait_for_another(client, flushed); });
}

void run(benchmark::State& state) {
  const Site site, floor_site;
  const Site::Visit visit(site);
  const auto cloud = read_document(document());
  const Daemon daemon(site);
  auto client = nft::Client::open(Host(site).engine().shared_ruleset());
  if (!client) give_up(client.error().message());
  BareTransaction bare(site, {});
  BareTransaction floor(floor_site, transaction_of(cloud, floor_site));
  Line line{.ours = {}, .floor = {}, .limit_ms = kLimitMs, .shows_p99 = false};
  for (auto _ : state) {
    const auto ours = time_of_ours(*client, bare);
    line.ours.add(ours);
    line.floor.add(time_of([&] { floor.send(); }));
    floor.flush();
    const auto seen = client->observe();
    if (!seen || !compare(*client->ruleset(), seen->tables).empty() ||
        seen->elements.size() < kCloud.floating_ips) {
      give_up("the repair is not whole");
    }
    state.SetIterationTime(ours.count() / 1e6);
  }
  put(state, line);
}

}  // namespace

void add_repair_benchmarks() {
  const auto title =
      fmt::format("rules are back after a flush, {} floating IPs", kCloud.floating_ips);
  add_row(title, run)->Iterations(kIterations)->UseManualTime();
}

}  // namespace novaplane::bench
