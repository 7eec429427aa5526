#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tools/benchmark/hosts/daemon.h"
#include "tools/benchmark/packet_path/netns.h"

namespace novaplane::bench {

/// Three hosts, on each a member of etcd with data in memory and, where it is started, novaplaned.
/// This process is in the namespace of the wire between them from then on.
class Cluster {
 public:
  static constexpr unsigned kHosts = 3;
  explicit Cluster(std::string binary_dir);
  ~Cluster();
  Cluster(const Cluster&) = delete;

  static std::string name(unsigned host) { return "host" + std::to_string(host); }
  static std::string member(unsigned host) { return address(host) + ":2379"; }
  std::string store() const;  ///< "etcd:http://...", the host's own member is no better than others
  const Netns& netns(unsigned host) const { return hosts_.at(host); }
  const std::string& folder() const { return folder_; }

  Daemon start(unsigned host, const std::vector<std::string>& source) const;
  /// With the store, and a replica of the host's own.
  Daemon start_with_store(unsigned host) const;
  std::string replica(unsigned host) const { return folder_ + '/' + name(host) + ".replica.db"; }
  /// Members are stopped where they are, as if the network to them had gone.
  void stop_members() const;
  void continue_members() const;
  /// All that was ever programmed there is gone.
  void renew(unsigned host);

 private:
  static std::string address(unsigned host) { return "10.255.0." + std::to_string(host + 1); }
  void make_host(unsigned host);

  std::string binary_dir_, folder_;
  Netns wire_;
  std::array<Netns, kHosts> hosts_;
  std::vector<Netns> members_at_;
  std::deque<Program> members_;
};

}  // namespace novaplane::bench
