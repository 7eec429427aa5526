#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/netlink/ip_config.h"

namespace novaplane::engine {

/// The IP configuration of NICs before they became ports: written before the first change, so
/// that a host whose bridge somebody deletes gets its addresses back, and so that `down` knows what
/// to give back. One file for each NIC:
///
///     <run-dir>/nics/<nic>
///
///     # comment
///     bridge <name>
///     listed <CLOCK_BOOTTIME in seconds>
///     <the kernel's message in hexadecimal digits> <what it is, for people>
///     ...
class NicRecords {
 public:
  explicit NicRecords(std::string run_dir) : folder_(std::move(run_dir) + "/nics") {}
  /// The same for ports of guests, on which IPv6 is switched off: what they had of it.
  static NicRecords of_ports(const std::string& run_dir) {
    NicRecords records(run_dir);
    records.folder_ = run_dir + "/ports";
    return records;
  }

  /// Replaces the record; it is on its disk when this returns.
  Result<void> write(const std::string& nic, const std::string& bridge,
                     const std::vector<netlink::IpConfig>& things) const;
  /// Without what has run out meanwhile. Nothing: there is no record, or none that can be read.
  /// Lines that make no sense are passed over, and said in `spoiled`.
  std::vector<netlink::IpConfig> read(const std::string& nic,
                                      std::vector<std::string>* spoiled = nullptr) const;
  Result<void> remove(const std::string& nic) const;
  Result<void> rename(const std::string& nic, const std::string& now) const;
  /// The NIC has everything again; what comes up on its bridge before that is deleted is its too.
  /// An error: the record still tells what the NIC has again. It does no harm while the NIC has it.
  Result<void> write_given_back(const std::string& nic, const std::string& bridge) const;
  /// Where each NIC with a record was last, by the NIC's name; those that have everything again
  /// are among them.
  std::map<std::string, std::string> bridges() const;

  /// Says from now on that a NIC without a record has carried nothing.
  Result<void> begin() const;
  /// The last ones: `down` leaves nothing behind. Returns what could not be removed.
  std::vector<Error> end() const;
  /// Whether what stands on the NIC's bridge may be the NIC's: it has a record, or records were
  /// lost.
  bool may_have_moved(const std::string& nic) const;
  /// Those whose record says that they carried something.
  std::vector<std::string> nics() const;

  /// Why something stays as it is: what it has could not be recorded.
  static tl::unexpected<Error> not_recorded(std::string_view sentence, const Error& why);

 private:
  std::vector<std::string> names() const;
  bool has_things(const std::string& nic) const;
  std::string bridge_of(const std::string& nic) const;  ///< empty: not known
  std::string path_of(const std::string& nic) const { return folder_ + "/" + nic; }

  std::string folder_;
};

}  // namespace novaplane::engine
