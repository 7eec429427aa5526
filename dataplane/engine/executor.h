#pragma once

#include <atomic>
#include <cerrno>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dataplane/engine/host/nic_records.h"
#include "dataplane/engine/host/originals.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/requests.h"
#include "dataplane/netlink/socket.h"
#include "dataplane/nft/client.h"

namespace novaplane::engine {

/// The links of ports that are to join, as last seen. Those that are not here are asked for.
using KnownPorts = std::unordered_map<AttachmentKey, netlink::Link>;

/// What a pass needs besides its steps.
struct ApplyRequest {
  Plan plan;  ///< sorted by phase; services, announcements and flows in it are left to others
  KnownPorts ports;
  /// NICs that were renamed since their record was written: its name, by today's.
  std::map<std::string, std::string> renamed = {};
  nft::SharedRuleset ruleset;  ///< what the repair writes, and the sets of elements
  nft::RulesetRepair repair;
  bool remove_tables = false;
  std::optional<std::uint32_t> generation;  ///< of nf_tables, as last seen; none: not checked
  /// True once something else cannot wait: what is not begun yet is not tried (ECANCELED). Null:
  /// nothing can come in between.
  std::shared_ptr<const std::atomic<bool>> called_off = {};

  bool is_called_off() const { return called_off && called_off->load(std::memory_order_relaxed); }
};

struct ApplyResult {
  std::vector<Result<void>> results;  ///< one for each step
  /// Of nf_tables after the request, where nobody else has changed them; none: not known.
  std::optional<std::uint32_t> generation = {};
  /// Somebody changed nf_tables meanwhile: from that phase on nothing was tried. Process events,
  /// plan again.
  bool outdated = false;
  /// What links carry is not what the plan rested on: those steps were not tried. List, plan again.
  bool ip_config_changed = false;
  /// What was done and could not be recorded in the run directory, in sentences: values that nobody
  /// will put back. Each is told once.
  std::vector<std::string> unrecorded = {};
  /// The first nf_tables transaction that failed: all that was in it, for the log. Null: none.
  std::shared_ptr<const nft::Transaction> failed_transaction = {};
};

/// The sockets that write, as the events of what they have written name their sender.
struct Senders {
  std::uint32_t netlink = 0, nftables = 0;
};

/// Does what a plan says, in the order of its phases: rtnetlink pipelined, nf_tables in one
/// transaction. Acts that nothing waits for (announcements, flows) are left to others.
/// For one thread; in the network namespace in which its sockets were opened.
class Executor {
 public:
  /// `progress` is called for each phase before it begins: its number of steps.
  using Progress = std::function<void(Phase, std::size_t steps)>;

  static Result<Executor> open(const std::string& run_dir);

  ApplyResult apply(const ApplyRequest& request, const Progress& progress = {});

  /// `down`, when nothing of ours is left: gives back every value that we changed.
  /// What could not be given back stays recorded. Returns what of the records could not be removed
  /// in `left`.
  Result<void> restore_all(std::vector<Error>* left = nullptr);

  /// Writes what could not be recorded before. Success: all is on disk.
  Result<void> keep_originals();

  Senders senders() const { return {netlink_.port_id(), nftables_.port_id()}; }

  netlink::Socket& netlink() { return netlink_; }
  nft::Client& nftables() { return nftables_; }

 private:
  /// The steps of one phase and where their results go.
  struct Work {
    std::span<const Step> steps;
    std::span<Result<void>> results;
  };

  Executor(netlink::Socket netlink, nft::Client nftables, Originals originals,
           const std::string& run_dir);

  void run(Phase phase, const ApplyRequest& request, const Work& work);
  enum class Committed : std::uint8_t { yes, no, outdated };
  static void leave(std::span<Result<void>> results, const char* why);  ///< not tried: ECANCELED
  Committed run_in_slices(Phase phase, const ApplyRequest& request, const Work& work);
  Committed commit(const ApplyRequest& request, const Work& work);
  // executor_steps.cc
  Committed with_known(const Work& work, const std::function<Committed(const Work&)>& run);

  void send_changes(const Work& work);  ///< of kinds that say them by requests
  void write_sysctls(const Work& work);
  void keep_or_tell();
  std::vector<Error> forget_old_records();
  void give_back_forwarding();

  // executor_nics.cc
  Result<void> switch_ipv6_off(const LinkKey& name);
  void note_given_back(const NicMigrationChange& change);
  Result<void> leave_empty_handed(const AttachmentChange& change);
  void follow_renamed(const ApplyRequest& request);
  void find_outdated(const Work& work, const ApplyRequest& request, ApplyResult& report);

  // executor_deletion.cc
  struct Leaving;
  Leaving bridges_of_nics(const Work& work);
  void keep_what_carries(Leaving& leaving, const Work& work);
  void give_back_what_came_late(Leaving& leaving, const Work& work);
  void delete_links(const Work& work);
  void delete_some_links(Leaving& leaving, const Work& work);

  // executor_links.cc
  void detach(const Work& work);
  std::unordered_set<std::string> migrate_ip_config(const Work& work);
  void migrate_ip_config(const Work& work, std::size_t migration, std::optional<std::size_t> port);
  std::optional<netlink::LinkSettings> joining(const AttachmentChange& change);
  Result<netlink::Request> creation(const LinkKey& name, const Link& link);
  void create_links(const Work& work);
  void explain_failure(const LinkChange& change, Error& error);
  void attach(const KnownPorts& known, const Work& work);
  void raise_links(const Work& work);
  struct Joining;
  std::vector<Joining> joining_ports(const KnownPorts& known, const Work& work);
  void record(const std::vector<Joining>& ports, const Work& work);
  void record(const AttachmentChange& change, std::string_view what, std::uint32_t found,
              std::uint32_t ours);
  void raise_nics_below(const std::vector<Joining>& ports, const Work& work);
  void switch_ipv6(std::span<const Joining> ports, const Work& work);
  std::set<int> links_with_ipv6();
  Result<void> record_ipv6(const AttachmentChange& change, int link, bool has_ipv6);
  void give_back_ipv6(const std::string& port);
  void forget_port(const std::string& port);
  void join(const std::vector<Joining>& ports, const Work& work);
  Result<void> give_back(const AttachmentChange& change);
  Result<void> give_back_group(const AttachmentChange& change);
  Result<void> give_back_value(const std::string& subject, const Originals::Value& value);

  Result<int> index_of(const std::string& link) { return numbers_.of(link, netlink_); }
  bool waits_for_element(const Step& step) const;
  void keep_elements_of_attached(const ApplyRequest& request, const Work& work);

  netlink::Socket netlink_;
  nft::Client nftables_;
  Originals originals_;
  NicRecords nic_records_, port_records_;
  std::unordered_set<LinkKey> still_carrying_;  ///< bridges: giving back what a NIC had has failed
  LinkNumbers numbers_;                         ///< in this pass
  std::unordered_set<LinkKey> not_made_;        ///< in this pass
  std::unordered_set<std::string> still_attached_;  ///< ports: detaching has failed, in this pass
  std::unordered_map<std::string, int> planned_again_;  ///< by the step's subject, in a row
  std::unordered_set<Object>
      without_element_;                  ///< owners whose elements were refused, in this pass
  std::vector<std::string> unrecorded_;  ///< for the report
  std::shared_ptr<const nft::Transaction> failed_transaction_;  ///< likewise
};

}  // namespace novaplane::engine
