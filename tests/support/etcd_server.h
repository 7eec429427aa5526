#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/files.h"
#include "dataplane/base/process.h"
#include "tests/support/deadline.h"

namespace novaplane::test {

/// A real member of an etcd cluster, in the caller's network namespace, with its data in memory and
/// short timers. It dies with this object, and with the thread that has started it.
class EtcdServer {
 public:
  struct Settings {
    std::string name = "n1";
    std::string address = "127.0.0.1";
    /// All members: "n1=http://10.0.0.1:2380,n2=..."; empty: this one alone.
    std::string cluster{};
    std::vector<std::string> flags{};  ///< further ones
    std::string scheme = "http";       ///< for clients
    std::string folder{};              ///< for its data; empty: one of its own
  };

  EtcdServer() : EtcdServer(Settings()) {}
  explicit EtcdServer(Settings settings) : settings_(std::move(settings)) {
    std::string folder = "/dev/shm/np-etcd-XXXXXX";
    if (settings_.folder.empty()) settings_.folder = own_folder_ = ::mkdtemp(folder.data());
    start();
  }
  EtcdServer(const EtcdServer&) = delete;
  ~EtcdServer() {
    kill();
    if (!own_folder_.empty()) std::filesystem::remove_all(own_folder_);
  }

  /// After kill(), with the data of before.
  void start() {
    auto child = spawn(command());
    if (!child) throw std::runtime_error(child.error().message());
    child_.emplace(std::move(*child));
  }
  void signal(int number) const { (void)child_->process().signal(number); }
  void kill() {
    if (!child_) return;
    signal(SIGKILL);
    (void)child_->wait(std::chrono::steady_clock::now() + kHangs);
    child_.reset();
  }
  bool has_ended() const {
    return child_->process().ended_before(std::chrono::steady_clock::now());
  }
  void wipe() const { std::filesystem::remove_all(data()); }
  std::string data() const { return settings_.folder + "/" + settings_.name + ".data"; }
  const std::string& folder() const { return settings_.folder; }
  std::string log() const { return read_whole(log_file()).value_or(""); }

  std::string url() const {
    return fmt::format("{}://{}:2379", settings_.scheme, settings_.address);
  }
  /// `etcdctl WORDS`; what it prints.
  std::string ctl(const std::string& words) const {
    const std::string command =
        fmt::format("ETCDCTL_API=3 etcdctl --endpoints {} {} 2>&1", url(), words);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                               ::pclose);
    std::string text;
    std::array<char, 4096> part{};
    for (std::size_t size = 0; (size = std::fread(part.data(), 1, part.size(), pipe.get())) > 0;) {
      text.append(part.data(), size);
    }
    return text;
  }

 private:
  std::string log_file() const { return settings_.folder + "/" + settings_.name + ".log"; }
  std::vector<std::string> command() const {
    const std::string peer = fmt::format("http://{}:2380", settings_.address);
    const std::string cluster =
        settings_.cluster.empty() ? fmt::format("{}={}", settings_.name, peer) : settings_.cluster;
    std::vector<std::string> argv = {"/usr/bin/setpriv",
                                     "--pdeathsig",
                                     "KILL",
                                     "/usr/bin/etcd",
                                     "--name",
                                     settings_.name,
                                     "--data-dir",
                                     data(),
                                     "--listen-client-urls",
                                     url(),
                                     "--advertise-client-urls",
                                     url(),
                                     "--listen-peer-urls",
                                     peer,
                                     "--initial-advertise-peer-urls",
                                     peer,
                                     "--initial-cluster",
                                     cluster,
                                     "--heartbeat-interval",
                                     "20",
                                     "--election-timeout",
                                     "200",
                                     "--pre-vote",
                                     "--max-txn-ops",
                                     "8192",
                                     "--logger",
                                     "zap",
                                     "--log-outputs",
                                     log_file()};
    argv.insert(argv.end(), settings_.flags.begin(), settings_.flags.end());
    return argv;
  }

  Settings settings_;
  std::string own_folder_;
  std::optional<Child> child_;
};

}  // namespace novaplane::test
