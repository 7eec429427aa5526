#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <iterator>
#include <system_error>

#include <fmt/format.h>

#include "tests/netns/world/world.h"

namespace novaplane::netns {
namespace fs = std::filesystem;

Host::Host(World& world, std::string id, std::string name, std::string folder)
    : Namespace(std::move(id)),
      world_(world),
      name_(std::move(name)),
      run_dir_(std::move(folder)) {}

Outcome Host::novaplane(std::vector<std::string> arguments) const {
  std::vector<std::string> argv{NOVAPLANE_PROGRAM};
  std::ranges::move(arguments, std::back_inserter(argv));
  for (const auto& word : {std::string("--host"), name_, std::string("--run-dir"), run_dir_})
    argv.push_back(word);
  return run(std::move(argv));
}

Outcome Host::up() const {
  brought_up_ = true;
  return novaplane({"up", world_.file()});
}

Outcome Host::plan() const { return novaplane({"plan", world_.file()}); }

Outcome Host::down() const {
  brought_up_ = false;
  return novaplane({"down"});
}

Outcome Host::show(const std::vector<std::string>& what) const {
  std::vector<std::string> arguments{"show"};
  std::ranges::copy(what, std::back_inserter(arguments));
  return novaplane(std::move(arguments));
}

Capture Host::on_wire(const std::string& filter, const std::string& nic) const {
  return {world_.fabric, wire_end(nic), filter};
}

/// A bridge of virtual machines that somebody else runs, with its rules, routes and counters.
void Host::add_bystanders() const {
  ip_batch(
      "link add name virbr0 address 52:54:00:00:00:01 type bridge forward_delay 0\naddress add "
      "192.168.122.1/24 brd + dev "
      "virbr0\n"
      "link set virbr0 up\nroute add 10.99.0.0/16 via 192.0.2.1 proto static\n"
      "route add 10.98.0.0/16 via 192.0.2.1 table 77\nrule add from 192.168.122.0/24 table 77 "
      "priority 3000\n"
      "neighbour add 192.168.122.9 lladdr 02:00:00:00:00:09 dev virbr0 nud permanent\n"
      "neighbour add proxy 192.0.2.99 dev eth0\n");
  add_operators_tables();
}

void Host::add_operators_tables() const {
  nft(R"(
    table ip operator {
      counter seen { packets 41 bytes 4242 }
      map names { type ipv4_addr : verdict; elements = { 192.168.122.9 : accept } }
      chain forward {
        type filter hook forward priority filter; policy accept;
        ip saddr 192.168.122.0/24 counter packets 7 bytes 700 accept
      }
      chain postrouting {
        type nat hook postrouting priority srcnat;
        ip saddr 192.168.122.0/24 ip daddr != 192.168.122.0/24 masquerade
      }
    }
    table bridge operator {
      chain forward {
        type filter hook forward priority 0;
        iifname "vnet9" drop
      }
    }
  )");
}

std::vector<std::string> Host::bystanders() const {
  std::vector<std::string> lines{"bridge-nf-call-iptables " +
                                 sysctl("net/bridge/bridge-nf-call-iptables")};
  for (const auto* words :
       {"-o -4 address show dev virbr0", "route show proto static", "route show table 77",
        "rule show", "neighbour show dev virbr0 nud permanent", "neighbour show proxy dev eth0"})
    for (const auto& line : lines_of(run(words_of(std::string("ip ") + words)).out))
      if (line.find("proto novaplane") == std::string::npos &&
          line.find("proto 110") == std::string::npos)
        lines.push_back(line);
  lines.push_back(nft_list("list table ip operator"));
  lines.push_back(nft_list("list table bridge operator"));
  return lines;
}

Vm::Vm(World& world, std::string id, std::string name, std::string address)
    : Namespace(std::move(id)),
      world_(world),
      name_(std::move(name)),
      address_(std::move(address)) {
  int part[4];
  sscanf(address_.c_str(), "%d.%d.%d.%d", &part[0], &part[1], &part[2], &part[3]);
  mac_ = fmt::format("fa:16:3e:{:02x}:{:02x}:{:02x}", part[1], part[2], part[3]);
  sysctl("net/ipv6/conf/default/disable_ipv6", "1");
  ip("link set lo up");
}

void Vm::plug_into(Host& host) {
  host_ = &host;
  netns::ip_batch(
      fmt::format("link add name eth0 netns {} address {} type veth peer name {} netns {}\n", id(),
                  mac_, tap(), host.id()));
  ip("link set eth0 up");
  host.ip("link set " + tap() + " up");
}

void Vm::unplug() { host_->ip("link delete " + tap()); }

void Vm::move_to(Host& host) {
  host_->ip(fmt::format("link set {} netns {}", tap(), host.id()));
  host_ = &host;
  host.ip("link set " + tap() + " up");
}

void Vm::configure(const std::string& gateway) {
  const std::string router =
      gateway.empty() ? address_.substr(0, address_.rfind('.')) + ".1" : gateway;
  ip_batch(fmt::format("address replace {}/24 brd + dev eth0\nroute replace default via {}\n",
                       address_, router));
}

std::optional<Lease> Vm::dhcp(Client client, const std::vector<std::string>& extra) {
  return netns::dhcp(*this, client, world_.folder() + "/vm-" + name_, extra);
}

namespace {

/// A socket of the kind that systemd listens on (sd_notify(3)).
Fd notify_socket(const std::string& path) {
  Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  fs::remove(path);
  if (!fd || bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    throw std::system_error(errno, std::generic_category(), path);
  return fd;
}

Command daemon_command(const World& world, const Host& host, const std::string& notify) {
  return {.argv = {NOVAPLANED_PROGRAM, "--state", world.file(), "--host", host.name(), "--run-dir",
                   host.run_dir()},
          .namespace_fd = host.fd(),
          .environment = {{"NOTIFY_SOCKET", notify}}};
}

}  // namespace

Daemon::Daemon(World& world, const Host& host)
    : notify_path_(fmt::format("{}/{}.notify", world.folder(), host.name())),
      notify_(notify_socket(notify_path_)),
      child_(daemon_command(world, host, notify_path_),
             fmt::format("{}/{}.log", world.folder(), host.name())) {}

bool Daemon::ready(Duration deadline) {
  return eventually(
             [&] {
               char buffer[1024];
               for (ssize_t got; (got = recv(notify_.get(), buffer, sizeof buffer, 0)) > 0;)
                 if (std::string(buffer, static_cast<std::size_t>(got)).find("READY=1") !=
                     std::string::npos)
                   ready_ = true;
               return ready_ || !child_.running();
             },
             deadline) &&
         ready_;
}

bool Daemon::says(const std::string& text, Duration deadline) {
  return eventually([&] { return log().find(text) != std::string::npos; }, deadline);
}

int Daemon::terminate() {
  child_.signal(SIGTERM);
  return child_.wait();
}

void Daemon::kill() {
  child_.signal(SIGKILL);
  child_.wait();
}

}  // namespace novaplane::netns
