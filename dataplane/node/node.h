#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/engine.h"
#include "dataplane/engine/executor.h"
#include "dataplane/netlink/monitor.h"
#include "dataplane/netlink/socket.h"
#include "dataplane/nft/monitor.h"
#include "dataplane/node/lister.h"
#include "dataplane/node/silent_values.h"

/// A host's data plane put together from its parts, for the daemon and the command line alike.
namespace novaplane::node {

/// All subsystems, in the order in which their rules are written.
const std::vector<const engine::Subsystem*>& subsystems();

/// The engine with its eyes: listings at start and after loss, events from then on. For one
/// thread. Belongs to the network namespace in which it was opened.
class Node {
 public:
  /// `run_dir`: where it is recorded what NICs carried before they became ports, and where routers
  /// outside of the hosts were last.
  static Result<std::unique_ptr<Node>> open(const std::string& host, const std::string& run_dir);
  Node(const Node&) = delete;

  engine::Engine& engine() { return engine_; }

  // --- for programs that have nothing else to do than to wait for the kernel
  /// Lists everything that the kernel knows.
  Result<void> observe();
  /// Processes the events since, and lists again what events do not tell.
  Result<void> process_events();
  /// Reads events from the socket and keeps them for process_events(), while a request is under
  /// way: what the request has done is known first then.
  Result<void> buffer_events();

  // --- for a loop, whose workers wait for the kernel
  /// Processes pending events, until that time at most. False: more may wait.
  Result<bool> process_events_until(engine::Clock::time_point end);
  /// What has to be listed by now, before anything is planned. In between no event is processed, so
  /// that what a listing tells is never newer than an event that is processed later.
  ListRequest list_request(bool silent);
  void relist_all() { rtnetlink_stale_ = nft_stale_ = true; }
  Lister& lister() { return lister_; }
  /// What it told, in two parts: nothing may be planned in between. False: it is not the answer to
  /// the latest request, and has to be dropped.
  bool take_nftables(ListResult& seen);
  void take_rtnetlink(ListResult& seen);
  /// What somebody (SilentValues) found changed without an event. Proxies are due to be listed.
  Result<void> observe(const Changed& changed);

  /// What is to be done. Sysctls that are wanted from now on are observed first: what was found
  /// must be known before it is changed.
  engine::Plan plan(engine::Clock::time_point now);
  /// Its first part: see Engine::differences.
  engine::Plan differences(engine::Clock::time_point now);

  /// Whose changes are our own: the kernel filters out the events that they cause.
  Result<void> set_own_senders(const engine::Senders& senders);
  /// A request is about to be applied, and was: the engine learns how its steps went. In between
  /// no event is processed: first comes what we know of our own changes, then, in their order,
  /// those of others, so that a foreign change in between is not taken for ours.
  void begin(const engine::ApplyRequest& request);
  Result<void> end(const engine::ApplyRequest& request, const engine::ApplyResult& report);
  /// What is known may be wrong in any way: all of it is compiled, and observed, anew.
  void invalidate_all();

  /// Of nf_tables, as last listed or told by an event.
  std::uint32_t generation() const { return generation_; }
  /// Who changed our nf_tables or sysctls since the last call, in words for the log; empty: nobody.
  std::string take_foreign_change() { return std::exchange(foreign_change_, {}); }

  int netlink_fd() const { return netlink_events_.fd(); }  ///< readable: process_events()
  int nft_fd() const { return nft_events_.fd(); }

 private:
  Node(std::string host, const std::string& run_dir, netlink::Socket asker,
       netlink::Monitor netlink_events, Lister lister, nft::Monitor nft_events);

  Result<void> list_watched();
  void on_listing(ListResult seen);
  Result<void> list_now();
  void observe_sysctls();
  void on_sysctl(const std::string& key, std::string value);
  Result<void> ask_links(std::span<const int> indexes);
  Result<bool> process_rtnetlink_events(engine::Clock::time_point end);
  Result<void> process_nftables_events();
  Result<void> resume_nftables_events(std::optional<std::uint32_t> expected_generation);
  void on_event(nft::Event event);
  void note_touch(const nft::Event& event);

  engine::Engine engine_;
  netlink::Socket asker_;  ///< for the engine's own queries
  netlink::Monitor netlink_events_;
  Lister lister_;
  nft::Monitor nft_events_;
  std::uint32_t generation_ = 0;
  std::uint64_t listings_ = 0;  ///< the latest one's number
  bool nft_listed_ = false;     ///< once: nothing can be planned before
  engine::Senders own_;
  std::vector<netlink::Observation> buffered_events_;
  bool nft_stale_ = false, rtnetlink_stale_ = false, routes_stale_ = false;
  bool proxies_stale_ = false;
  bool ip_config_stale_ = false;  ///< what NICs carry has moved, or was not as it was thought
  bool paused_ = false;           ///< nf_tables are not listened to
  std::string touched_, foreign_change_;
};

}  // namespace novaplane::node
