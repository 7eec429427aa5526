#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/netns/world/eventually.h"
#include "tests/netns/world/namespace.h"
#include "tests/support/etcd_server.h"
#include "tests/support/netns.h"

namespace novaplane::netns {

/// Where a test process lives that has etcd clusters: a network namespace with a bridge that is the
/// members' network. All its threads are there, gRPC's too.
class EtcdNetwork {
 public:
  static void enter() { static const EtcdNetwork network; }

 private:
  EtcdNetwork() {
    remove_orphans();
    ip_batch(
        "link set lo up\nlink add etcd type bridge\nlink set etcd up\n"
        "address add 10.9.0.254/24 dev etcd\n");
  }
  test::NetworkNamespace here_;
};

/// Three members, each in a network namespace of its own, on a bridge where the test is.
class EtcdCluster {
 public:
  static constexpr std::size_t kMembers = 3;

  explicit EtcdCluster(std::vector<std::string> flags = {}, std::string scheme = "http") {
    EtcdNetwork::enter();
    static int number = 0;
    prefix_ = fmt::format("np{}-{}-", ::getpid(), ++number);
    folder_ = fmt::format("/dev/shm/{}etcd", prefix_);
    std::filesystem::create_directory(folder_);
    for (std::size_t i = 0; i < kMembers; ++i) members_[i].emplace(*this, i, flags, scheme);
  }
  EtcdCluster(const EtcdCluster&) = delete;
  ~EtcdCluster() {
    for (auto& member : members_) member.reset();
    remove_namespaces(prefix_);
    std::filesystem::remove_all(folder_);
  }

  class Member {
   public:
    Member(const EtcdCluster& cluster, std::size_t number, const std::vector<std::string>& flags,
           const std::string& scheme)
        : address_(address_of(number)),
          wire_(fmt::format("{}e{}", cluster.prefix_, number + 1)),
          place_(make_namespace(fmt::format("{}n{}", cluster.prefix_, number + 1), wire_)) {
      place_.ip_batch(
          fmt::format("link set lo up\nlink set eth0 up\naddress add {}/24 dev eth0\n", address_));
      const test::EtcdServer::Settings settings{name_of(number), address_, initial_cluster(),
                                                flags,           scheme,   cluster.folder_};
      place_.inside([&] { server_ = std::make_unique<test::EtcdServer>(settings); });
    }
    test::EtcdServer& server() { return *server_; }
    const Namespace& place() const { return place_; }
    void start() {
      place_.inside([&] { server_->start(); });
    }
    /// Its cable, at the bridge's end.
    void unplug() const { ip_batch("link set " + wire_ + " down\n"); }
    void plug() const { ip_batch("link set " + wire_ + " up\n"); }
    /// Rules in its namespace, for the other members: "input", "output".
    void drop_peers(const std::string& hook) const {
      const std::string match = hook == "input" ? "ip saddr" : "ip daddr";
      place_.nft(
          fmt::format("table ip cut {{ chain {0} {{ type filter hook {0} priority 0; "
                      "{1} 10.9.0.1-10.9.0.3 {1} != {2} drop; }}; }}",
                      hook, match, address_));
    }
    void heal() const { place_.nft("delete table ip cut"); }

   private:
    static std::string make_namespace(const std::string& id, const std::string& wire) {
      ip_batch(
          fmt::format("netns add {0}\nlink add {1} type veth peer name eth0 netns {0}\n"
                      "link set {1} master etcd up\n",
                      id, wire));
      return id;
    }

    std::string address_, wire_;
    Namespace place_;
    std::unique_ptr<test::EtcdServer> server_;
  };

  Member& operator[](std::size_t number) { return *members_[number]; }
  const std::string& folder() const { return folder_; }

  /// What `--store etcd:` is given; the members from that one on, in a circle.
  std::string words(std::size_t first = 0, std::size_t count = kMembers) {
    std::string words;
    for (std::size_t i = 0; i < count; ++i) {
      words += (i ? "," : "") + members_[(first + i) % kMembers]->server().url();
    }
    return words;
  }
  /// Of those that answer.
  std::size_t leader() {
    std::size_t found = kMembers;
    eventually([&] {
      for (std::size_t i = 0; i < kMembers; ++i) {
        if (is_leader(i)) found = i;
      }
      return found != kMembers;
    });
    return found;
  }
  std::size_t follower() { return (leader() + 1) % kMembers; }
  void kill_all() {
    for (auto& member : members_) member->server().kill();
  }
  void start_all() {
    for (auto& member : members_) member->start();
  }
  static std::string initial_cluster() {
    std::string text;
    for (std::size_t i = 0; i < kMembers; ++i) {
      text += fmt::format("{}{}=http://{}:2380", i ? "," : "", name_of(i), address_of(i));
    }
    return text;
  }
  static std::string name_of(std::size_t number) { return fmt::format("n{}", number + 1); }
  static std::string address_of(std::size_t number) { return fmt::format("10.9.0.{}", number + 1); }

 private:
  bool is_leader(std::size_t number) {
    const auto text = members_[number]->server().ctl(
        "endpoint status -w json --command-timeout 300ms --dial-timeout 300ms");
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_array() || json.empty()) return false;
    const auto& status = json[0]["Status"];
    return status.contains("leader") && status["leader"] == status["header"]["member_id"];
  }

  std::string prefix_, folder_;
  std::array<std::optional<Member>, kMembers> members_;
};

}  // namespace novaplane::netns
