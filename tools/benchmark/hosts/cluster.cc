#include "tools/benchmark/hosts/cluster.h"

#include <fmt/format.h>
#include <sched.h>
#include <stdlib.h>

#include <csignal>
#include <filesystem>
#include <stdexcept>

#include "tools/benchmark/hosts/bare_etcd.h"

namespace novaplane::bench {
namespace {

std::string fresh_folder() {
  std::string path = "/dev/shm/npbench-XXXXXX";
  if (!::mkdtemp(path.data())) throw std::runtime_error("no folder for the members of etcd");
  return path;
}

/// NIC `nic` of a namespace, with that address, ends on the wire.
void cable(const Netns& from, const Netns& wire, const std::string& nic, const std::string& end,
           const std::string& address) {
  wire.ip(
      fmt::format("link add {0} type veth peer name {1} netns {2}\n"
                  "link set {0} master wire up\n",
                  end, nic, from.path()));
  from.ip(fmt::format("address add {0}/24 dev {1}\nlink set {1} up\n", address, nic));
}

}  // namespace

Cluster::Cluster(std::string binary_dir)
    : binary_dir_(std::move(binary_dir)), folder_(fresh_folder()), members_at_(kHosts) {
  wire_.ip(
      "link add wire type bridge forward_delay 0\n"
      "address add 10.255.0.254/24 dev wire\n"
      "link set wire up\n");
  // What gRPC's threads connect to is reached from there.
  if (::setns(wire_.fd(), CLONE_NEWNET) != 0) throw std::runtime_error("setns failed");
  std::string all;
  for (unsigned i = 0; i < kHosts; ++i) {
    all += fmt::format("{}{}=http://{}:2380", i == 0 ? "" : ",", name(i), address(i));
  }
  for (unsigned i = 0; i < kHosts; ++i) {
    cable(members_at_[i], wire_, "eth0", fmt::format("member{}", i), address(i));
    const std::string peer = fmt::format("http://{}:2380", address(i));
    const std::string client = "http://" + member(i);
    members_.emplace_back(members_at_[i],
                          std::vector<std::string>{"/usr/bin/etcd",
                                                   "--name",
                                                   name(i),
                                                   "--data-dir",
                                                   folder_ + '/' + name(i) + ".etcd",
                                                   "--initial-cluster",
                                                   all,
                                                   "--listen-peer-urls",
                                                   peer,
                                                   "--initial-advertise-peer-urls",
                                                   peer,
                                                   "--listen-client-urls",
                                                   client,
                                                   "--advertise-client-urls",
                                                   client,
                                                   "--pre-vote",
                                                   "--max-txn-ops",
                                                   "4096",
                                                   "--logger",
                                                   "zap",
                                                   "--log-outputs",
                                                   folder_ + '/' + name(i) + ".etcd.log"});
  }
  for (unsigned i = 0; i < kHosts; ++i) make_host(i);
}

Cluster::~Cluster() {
  members_.clear();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void Cluster::make_host(unsigned host) {
  cable(hosts_.at(host), wire_, "eth2", fmt::format("host{}", host),
        fmt::format("10.255.0.{}", 101 + host));
  hosts_.at(host).ip(
      fmt::format("link add eth0 type veth peer name world\n"
                  "address add 192.0.2.{}/24 dev eth0\n"
                  "link set eth0 up\n"
                  "link set world up\n"
                  "link add eth1 type veth peer name lan\n"
                  "link set eth1 up\n"
                  "link set lan up\n",
                  11 + host));
}

void Cluster::renew(unsigned host) {
  wire_.ip(fmt::format("link delete host{}\n", host));
  hosts_.at(host) = Netns();
  make_host(host);
  std::error_code ignored;
  std::filesystem::remove_all(folder_ + '/' + name(host), ignored);
}

std::string Cluster::store() const {
  std::string words = "etcd:";
  for (unsigned i = 0; i < kHosts; ++i) {
    words += fmt::format("{}http://{}", i == 0 ? "" : ",", member(i));
  }
  return words;
}

Daemon Cluster::start(unsigned host, const std::vector<std::string>& source) const {
  return {netns(host), binary_dir_ + "/dataplane/daemon/novaplaned", name(host),
          folder_ + '/' + name(host), source};
}

Daemon Cluster::start_with_store(unsigned host) const {
  return start(host, {"--store", store(), "--replica", replica(host)});
}

void Cluster::stop_members() const {
  for (const Program& member : members_) member.signal(SIGSTOP);
}
void Cluster::continue_members() const {
  for (const Program& member : members_) member.signal(SIGCONT);
}

}  // namespace novaplane::bench
