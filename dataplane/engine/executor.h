#pragma once

#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/engine/apply.h"

namespace novaplane::engine {

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
  Result<void> keep_originals() { return pass_.originals.flush(); }

  Senders senders() const { return {pass_.netlink.port_id(), pass_.nftables.port_id()}; }

  netlink::Socket& netlink() { return pass_.netlink; }
  nft::Client& nftables() { return pass_.nftables; }

 private:
  explicit Executor(ApplyContext pass) : pass_(std::move(pass)) {}

  void run(Phase phase, const Work& work);
  void run_in_slices(Phase phase, const Work& work);
  void send_changes(const Work& work);  ///< of kinds that say them by requests
  void find_outdated(const Work& work, ApplyResult& report);
  std::vector<Error> forget_old_records();

  ApplyContext pass_;
  std::unordered_map<std::string, int> planned_again_;  ///< by the step's subject, in a row
};

}  // namespace novaplane::engine
