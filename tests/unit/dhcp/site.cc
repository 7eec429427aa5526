#include "tests/unit/dhcp/site.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <thread>

#include "dataplane/base/delta_tracker.h"
#include "dataplane/base/files.h"
#include "dhcp/running.h"
#include "tests/support/deadline.h"

namespace novaplane::dhcp {
namespace {

using namespace std::chrono_literals;

constexpr const char* kScript = "#!/bin/sh\n[ \"$1\" = bound ] && env > \"$OUT\"\nexit 0\n";

std::string make_folder() {
  std::string name = std::filesystem::temp_directory_path() / "np-dhcp-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr || ::chmod(name.c_str(), 0755) != 0) std::abort();
  return name;
}

Result<Exit> shell(const std::string& command) {
  auto child = spawn({"/bin/sh", "-c", command});
  if (!child) return tl::unexpected(child.error());
  return child->wait(std::chrono::steady_clock::now() + 2 * test::kHangs);
}

/// Runs `act` with the thread in another network namespace.
template <class Act>
auto inside(int netns, int home, Act act) {
  if (::setns(netns, CLONE_NEWNET) != 0) std::abort();
  auto result = act();
  if (::setns(home, CLONE_NEWNET) != 0) std::abort();
  return result;
}

Fd make_guests() {
  const test::NetworkNamespace guests;
  return Fd(::dup(guests.fd()));
}

}  // namespace

Site::Site() : guests_(make_guests()), folder_(make_folder()), run_dir_(folder_ + "/run") {
  EXPECT_TRUE(write_whole(folder_ + "/script", kScript, 0755));
  run("ip link set lo up");
  driver_.emplace(run_dir_);
}

Site::~Site() {
  for (auto& [folder, running] : find_running(run_dir_ + "/dhcp")) {
    (void)running.process.signal(SIGKILL);
  }
  // A dnsmasq that was told to end takes its own files away meanwhile.
  std::error_code vanished;
  do std::filesystem::remove_all(folder_, vanished);
  while (vanished == std::errc::no_such_file_or_directory);
}

void Site::run(const std::string& command) const {
  const auto exit = shell(command);
  ASSERT_TRUE(exit) << exit.error().message();
  ASSERT_EQ(exit->status, 0) << command << ": " << exit->words;
}

void Site::run_guest(const std::string& command) const {
  inside(guests_.get(), host_.fd(), [&] { return run(command), 0; });
}

std::string Site::guest_says(const std::string& command) const {
  const auto exit =
      inside(guests_.get(), host_.fd(), [&] { return shell("(" + command + ") >&2"); });
  return exit ? exit->words : exit.error().message();
}

cloud::Network Site::make_network(const std::string& name, int number) {
  cloud::Network network;
  network.name = name;
  network.bridge = "br-" + name;
  network.cidr = *Prefix::parse(fmt::format("10.0.{}.0/24", number));
  network.gateway = *IpAddress::parse(fmt::format("10.0.{}.1", number));
  run(
      fmt::format("ip link add br-{0} type bridge && ip link set br-{0} up &&"
                  "ip address add 10.0.{1}.1/24 dev br-{0} &&"
                  "ip link add v{0} type veth peer name g{0} netns /proc/{2}/fd/{3} &&"
                  "ip link set v{0} master br-{0} up",
                  name, number, ::getpid(), guests_.get()));
  run_guest(fmt::format("ip link set g{} up", name));
  // The bridge hears late of its port's carrier when the machine is busy, and drops frames until
  // then.
  run(fmt::format(
      "timeout 60 sh -c 'until bridge link show dev v{} | grep -q forwarding; do :; done'", name));
  return network;
}

std::optional<Given> Site::lease(const std::string& network, const std::string& mac,
                                 int tries) const {
  const std::string out = folder_ + "/given";
  (void)remove_all(out);
  guest_says(
      // The link stays up: the news of its carrier can come up to a second late.
      fmt::format("ip link set g{0} address {1} &&"
                  "OUT={2} exec busybox udhcpc -i g{0} -f -n -q -t {4} -T 1 -s {3}/script -O mtu "
                  "-O staticroutes",
                  network, mac, out, folder_, tries));
  const auto text = read_whole(out);
  if (!text) return std::nullopt;
  Given given;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    given[line.substr(0, line.find('='))] = line.substr(line.find('=') + 1);
  }
  return given;
}

Fd Site::listen_raw(const std::string& network) const {
  return inside(guests_.get(), host_.fd(), [&] {
    Fd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL)));
    sockaddr_ll link{};
    link.sll_family = AF_PACKET;
    link.sll_protocol = htons(ETH_P_ALL);
    link.sll_ifindex = static_cast<int>(::if_nametoindex(("g" + network).c_str()));
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&link), sizeof link), 0);
    return socket;
  });
}

Fd Site::open_udp_among_guests() const {
  return inside(guests_.get(), host_.fd(),
                [] { return Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); });
}

std::string Site::address_given(const std::string& network, const std::string& mac,
                                int tries) const {
  const auto given = lease(network, mac, tries);
  return given && given->contains("ip") ? given->at("ip") : "nothing";
}

std::string Site::resolve(const std::string& name, const std::string& server,
                          const std::string& expected) const {
  const auto deadline = std::chrono::steady_clock::now() + test::kHangs;
  std::string answer;
  do {
    answer = guest_says(
        fmt::format("busybox nslookup -type=a {} {} | sed -n 's/^Address: //p'", name, server));
  } while (answer != expected && std::chrono::steady_clock::now() < deadline);
  return answer;
}

engine::Service Site::service(const cloud::Network& network) const {
  const auto config = config_text({.network = network,
                                   .host_address = *network.gateway,
                                   .router = network.gateway,
                                   .mtu = network.mtu.value_or(1500)});
  EXPECT_TRUE(config);
  return {*config + fmt::format("log-facility={}/{}.log\n", folder_, network.name), network.bridge};
}

std::size_t Site::times_logged(const std::string& network, const std::string& words) const {
  const auto log = read_whole(fmt::format("{}/{}.log", folder_, network)).value_or("");
  std::size_t times = 0;
  for (auto at = log.find(words); at != std::string::npos; at = log.find(words, at + 1)) ++times;
  return times;
}

void Site::want(const cloud::Network& network) {
  services_["dhcp/" + network.name] = service(network);
}

void Site::want_port(const std::string& network, const std::string& name, const std::string& mac,
                     const std::string& address) {
  entries_[{"dhcp/" + network, "host " + name}].line = fmt::format("{},{},{}", mac, address, name);
  entries_[{"dhcp/" + network, "name " + name}].line =
      fmt::format("{} {}.novalocal {}", address, name, name);
}

void Site::want_blue() {
  want(make_network("blue", 0));
  want_port("blue", "web1", kMacA, "10.0.0.10");
}

void Site::unwant_port(const std::string& network, const std::string& name) {
  entries_.erase({"dhcp/" + network, "host " + name});
  entries_.erase({"dhcp/" + network, "name " + name});
}

void Site::unwant(const std::string& network) {
  services_.erase("dhcp/" + network);
  std::erase_if(entries_, [&](const auto& e) { return e.first.first == "dhcp/" + network; });
}

std::string Site::start_error() {
  for (const auto& result : apply_differences()) {
    if (!result) return result.error().message();
  }
  return "none";
}

std::vector<engine::Step> Site::differences() {
  DeltaTracker<engine::ServiceKey, engine::Service> services;
  DeltaTracker<engine::ServiceEntryKey, engine::ServiceEntry> entries;
  for (const auto& [key, row] : services_) services.set_desired(key, row);
  for (const auto& [key, row] : entries_) entries.set_desired({key.first, key.second}, row);
  const auto seen = driver_->observe();
  EXPECT_TRUE(seen);
  for (const auto& [key, row] : seen->services) services.set_actual(key, row);
  for (const auto& [key, row] : seen->entries) entries.set_actual(key, row);

  std::vector<engine::Step> steps;
  const auto add = [&](const auto& key, const auto* after, const auto* before) {
    using Row = std::remove_cvref_t<decltype(*after)>;
    engine::Change<std::remove_cvref_t<decltype(key)>, Row> change{key, {}, {}};
    if (before) change.before = *before;
    if (after) change.after = *after;
    steps.push_back({engine::Phase::services, std::move(change), nullptr});
  };
  services.for_each_pending(add);
  entries.for_each_pending(add);
  return steps;
}

std::vector<Result<void>> Site::apply_differences() {
  const auto steps = differences();
  std::vector<const engine::Step*> pointers;
  for (const engine::Step& step : steps) pointers.push_back(&step);
  return driver_->apply(pointers);
}

std::size_t Site::converge() {
  const auto results = apply_differences();
  for (const auto& result : results) EXPECT_TRUE(result) << result.error().message();
  EXPECT_EQ(differences().size(), 0u);
  return results.size();
}

pid_t Site::pid(const std::string& network) const {
  const auto text = read_whole(fmt::format("{}/dhcp/{}/pid", run_dir_, network));
  return text ? std::stoi(*text) : 0;
}

}  // namespace novaplane::dhcp
