#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "hwgw/prober/health_check.h"

namespace novaplane::hwgw {

/// Something on a link that is asked again and again whether it is there: an uplink with its next
/// hop, the router of a network.
struct Target {
  std::string name;                   ///< unique: "uplink wan", "router of network blue"
  std::string interface;              ///< that probes go out by; it may come and go
  std::optional<IpAddress> next_hop;  ///< none: the carrier alone decides
  IpAddress sender;  ///< the host's address there; unspecified: none (ARP probes as of RFC 5227)
  /// ICMP targets beyond the next hop: one of them has to answer. They need a `sender`. Empty: the
  /// next hop's answer to ARP is enough.
  std::vector<IpAddress> beyond;
  bool all_protocols = false;  ///< see Prober::Options
  /// While it answers it is asked by ARP probes (from 0.0.0.0), which leave no trace: the `sender`
  /// is every host's. Otherwise it may be making sure that its address is its own, and would take
  /// such a probe for somebody else who wants it (RFC 5227, 2.1.1).
  bool is_router = false;
  HealthCheckSettings health;
  Health believed = Health::alive;  ///< of one that was not watched before, until it is known
  bool operator==(const Target&) const = default;
};

/// What is known of a target.
struct TargetStatus {
  std::string target;
  Health state = Health::alive;
  std::string reason;  ///< of the latest change; empty: there was none
  std::chrono::system_clock::time_point since;
  std::uint32_t loss = 0;      ///< per cent of the latest probes
  microseconds rtt{0};         ///< 0: not known
  std::uint32_t switches = 0;  ///< between alive and not, since it is watched
  std::optional<Mac> mac;      ///< that answered last for the next hop
};

/// Watches any number of targets on one thread, with sockets of its own, in the network namespace
/// of the thread that starts it. Values go in and come out.
class Watcher {
 public:
  /// Called on the watcher's thread when a target's state, or the MAC that answers for it, is not
  /// what it was; and once for each target whose first answer, or lack of it, is known. Must not
  /// block.
  using Report = std::function<void(const TargetStatus&)>;

  /// Probes of all routers together, a second: more targets are asked less often.
  static constexpr std::uint32_t kMostProbes = 1000;

  static Result<std::unique_ptr<Watcher>> start(Report report);
  Watcher(const Watcher&) = delete;
  ~Watcher();

  /// From now on these and no others. What is known of a target of the same name stays.
  void watch(std::vector<Target> targets);
  /// Runs a task on the watcher's thread, after those before it.
  void post(std::function<void()> task);
  /// All targets as they are now; waits for the thread. Not to be called from a report.
  std::vector<TargetStatus> statuses();

 private:
  class Thread;
  explicit Watcher(std::unique_ptr<Thread> thread);

  std::unique_ptr<Thread> thread_;
};

}  // namespace novaplane::hwgw
