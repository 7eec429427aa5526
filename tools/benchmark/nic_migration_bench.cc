#include <arpa/inet.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "dataplane/netlink/ip_config.h"
#include "tools/benchmark/host.h"
#include "tools/benchmark/report.h"
#include "tools/benchmark/suites.h"

/// A NIC that carries the host becomes the port of a bridge, and leaves it: how long somebody on
/// the wire, who asks all the time, gets no answer. Beside the same batch of requests without an
/// engine. What is told is the gap, not the time that it takes.
namespace novaplane::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kIterations = 15;
constexpr double kLimitMs = 50;
constexpr int kPort = 7;

Fd datagrams() {
  Fd fd(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) give_up("open a socket");
  return fd;
}

sockaddr_in6 endpoint(const char* address) {
  sockaddr_in6 to{};
  to.sin6_family = AF_INET6;
  to.sin6_port = htons(kPort);
  ::inet_pton(AF_INET6, address, &to.sin6_addr);
  return to;
}

/// Repeats what it hears at the host.
class Echo {
 public:
  explicit Echo(const Site& site) {
    const Site::Visit visit(site);
    socket_ = datagrams();
    const auto own = endpoint("::");
    if (::bind(socket_.get(), reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) {
      give_up("bind");
    }
    thread_ = std::thread([this] { run(); });
  }
  ~Echo() {
    ::eventfd_write(stop_.get(), 1);
    thread_.join();
  }

 private:
  void run() const {
    pollfd waiting[]{{socket_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    while (::poll(waiting, 2, -1) >= 0 && !waiting[1].revents) {
      char byte;
      sockaddr_in6 from{};
      socklen_t size = sizeof(from);
      auto* peer = reinterpret_cast<sockaddr*>(&from);
      if (::recvfrom(socket_.get(), &byte, 1, 0, peer, &size) == 1) {
        ::sendto(socket_.get(), &byte, 1, 0, peer, size);
      }
    }
  }

  Fd socket_, stop_{::eventfd(0, EFD_CLOEXEC)};
  std::thread thread_;
};

/// Asks again with each answer, and a millisecond after a question without one.
class Asker {
 public:
  Asker(const Site& site, const char* address) {
    const Site::Visit visit(site);
    socket_ = datagrams();
    const auto to = endpoint(address);
    ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&to), sizeof(to));
    thread_ = std::thread([this] { run(); });
  }
  ~Asker() {
    stop_ = true;
    thread_.join();
  }

  void await_answers(std::size_t number) {
    const std::size_t before = answers_;
    for (const auto end = Clock::now() + 10s; answers_ < before + number;) {
      if (Clock::now() > end) give_up("nobody answers");
      std::this_thread::sleep_for(1ms);
    }
  }
  Clock::duration take_longest() { return longest_.exchange(Clock::duration::zero()); }

 private:
  void run() {
    for (auto last = Clock::now(); !stop_;) {
      ::send(socket_.get(), "?", 1, 0);
      pollfd waiting{socket_.get(), POLLIN, 0};
      char byte;
      if (::poll(&waiting, 1, 1) != 1 || ::recv(socket_.get(), &byte, 1, 0) != 1) continue;
      const auto now = Clock::now();
      if (now - last > longest_.load()) longest_ = now - last;
      last = now;
      ++answers_;
    }
  }

  Fd socket_;
  std::atomic<bool> stop_ = false;
  std::atomic<std::size_t> answers_ = 0;
  std::atomic<Clock::duration> longest_ = Clock::duration::zero();
  std::thread thread_;
};

/// A host whose eth1 carries it, and a neighbour at the other end.
struct Wire {
  Site site, neighbour;

  Wire() {
    site.ip(
        fmt::format("link add name eth1 type veth peer name end1\n"
                    "link set end1 netns /proc/{}/fd/{}\n"
                    "link set eth1 up\n"
                    "address add 198.18.5.1/24 dev eth1\n"
                    "address add 2001:db8:5::1/64 dev eth1 nodad\n"
                    "route add 10.200.0.0/16 via 198.18.5.2\n"
                    "route add 2001:db8:200::/48 via 2001:db8:5::2\n",
                    ::getpid(), neighbour.netns()));
    neighbour.ip(
        "link set end1 up\n"
        "address add 198.18.5.2/24 dev end1\n"
        "address add 2001:db8:5::2/64 dev end1 nodad\n");
  }
};

/// The bare batch: no document, no plan, no record.
class BareMove {
 public:
  explicit BareMove(const Site& site) {
    const Site::Visit visit(site);
    auto socket = netlink::Socket::open();
    if (!socket) give_up(socket.error().message());
    socket_.emplace(std::move(*socket));
  }

  void join() {
    const auto mac = socket_->link(index("eth1")).value().mac;
    send(netlink::create_bridge("br-bare", mac));
    netlink::LinkSettings port, up;
    port.master = index("br-bare");
    up.up = true;
    std::vector<netlink::Move> relink;
    relink.push_back({netlink::set_link(index("eth1"), port), {}, {}});
    relink.push_back({netlink::set_link("br-bare", up), {}, {}});
    move("eth1", "br-bare", std::move(relink));
  }
  void leave() {
    netlink::LinkSettings alone;
    alone.master = 0;
    std::vector<netlink::Move> relink;
    relink.push_back({netlink::set_link(index("eth1"), alone), {}, {}});
    move("br-bare", "eth1", std::move(relink));
    send(netlink::delete_link(index("br-bare")));
  }

 private:
  int index(const std::string& link) { return socket_->index_of(link).value(); }
  void send(const netlink::Request& request) {
    if (auto done = socket_->send(request); !done) give_up(done.error().message());
  }
  void move(const std::string& from, const std::string& to, std::vector<netlink::Move> relink) {
    const auto things = netlink::ip_config_of(*socket_, index(from), true).value();
    auto moves = netlink::moves(things, {index(from), index(to), from, to}, std::move(relink));
    std::vector<netlink::Request> requests;
    for (netlink::Move& one : moves) requests.push_back(std::move(one.request));
    (void)socket_->send(requests);
  }

  std::optional<netlink::Socket> socket_;
};

constexpr const char* kWithout = "hosts: {compute1: {}}\n";
constexpr const char* kWith =
    "hosts: {compute1: {vm_interface: eth1}}\n"
    "networks: {blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: {enabled: false}}}\n";

/// The document comes into force; what is asked for is seen as it was at first.
void pass(Host& host, const char* document) {
  host.engine().load(read_document(document));
  host.converge();
}

void run(benchmark::State& state, const char* address, bool joins) {
  const Wire wire;
  const Site::Visit visit(wire.site);
  Host host(wire.site);
  host.load(read_document(kWithout));
  host.converge();
  BareMove bare(wire.site);
  const Echo echo(wire.site);
  Asker asker(wire.neighbour, address);
  constexpr std::size_t kSettled = 200;
  const auto gap_of = [&](auto&& act) {
    asker.await_answers(kSettled);
    asker.take_longest();
    act();
    asker.await_answers(kSettled);
    return std::chrono::duration<double, std::micro>(asker.take_longest());
  };
  Line line{.ours = {}, .floor = {}, .limit_ms = kLimitMs, .shows_p99 = false};
  for (auto _ : state) {
    const auto bare_join = gap_of([&] { bare.join(); }), bare_leave = gap_of([&] { bare.leave(); });
    host.process_events();  // of the bare moves
    const auto join = gap_of([&] { pass(host, kWith); });
    const auto leave = gap_of([&] { pass(host, kWithout); });
    line.floor.add(joins ? bare_join : bare_leave);
    line.ours.add(joins ? join : leave);
    state.SetIterationTime((joins ? join : leave).count() / 1e6);
  }
  put(state, line);
}

}  // namespace

void add_nic_migration_benchmarks() {
  for (const auto& [family, address] :
       {std::pair{"IPv4", "::ffff:198.18.5.1"}, {"IPv6", "2001:db8:5::1"}}) {
    for (const bool joins : {true, false}) {
      const auto title = fmt::format("longest gap of {} while the host's own NIC {} a bridge",
                                     family, joins ? "joins" : "leaves");
      add_row(title, [address = address, joins](auto& state) { run(state, address, joins); })
          ->Iterations(kIterations)
          ->UseManualTime();
    }
  }
}

}  // namespace novaplane::bench
