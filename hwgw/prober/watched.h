#pragma once

#include <optional>
#include <string>

#include "dataplane/netlink/messages.h"
#include "hwgw/prober/health_check.h"
#include "hwgw/prober/prober.h"
#include "hwgw/prober/watcher.h"

/// One target: its link, its socket, its health. For the watcher's thread.
namespace novaplane::hwgw {

class Watched {
 public:
  Watched(Target target, Health state, Clock::time_point now);

  /// Takes over what was known of the target as it was told before.
  void inherit(const Watched& before);

  /// Its link, as the kernel tells; null: there is none of that name. True: it has another socket.
  bool on_link(const netlink::Link* link, Clock::time_point now);
  /// Its socket is readable.
  void process_events(Clock::time_point now);
  /// Time has passed: probes, if one is due.
  void due(Clock::time_point now);

  const Target& target() const { return target_; }
  HealthCheck& health() { return health_; }
  int fd() const { return prober_ ? prober_->fd() : -1; }
  int link() const { return link_; }  ///< 0: there is none

  TargetStatus status() const;
  /// The status, where it is not as it was told last.
  std::optional<TargetStatus> take_news();

 private:
  bool open(const netlink::Link& link);
  void probe(Clock::time_point now);
  bool has_to_wait(Clock::time_point now) const;
  bool makes_sure_of_its_address(Clock::time_point now) const;
  std::string reason() const;

  Target target_;
  HealthCheck health_;
  std::optional<Prober> prober_;
  int link_ = 0;
  Mac own_mac_;
  std::optional<Mac> mac_;
  Clock::time_point asked_{}, heard_{};  ///< everybody was asked; the next hop said something
  Clock::time_point back_{};             ///< its latest answer while it was dead; 0: none
  bool next_hop_answers_ = false;        ///< since the latest echo's answer
  std::string trouble_;                  ///< why it cannot be probed; empty: it can

  bool told_ = false;
  Health told_state_ = Health::alive;
  std::optional<Mac> told_mac_;
  std::chrono::system_clock::time_point since_;
};

}  // namespace novaplane::hwgw
