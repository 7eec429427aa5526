#pragma once

#include <optional>
#include <string>
#include <vector>

#include "dataplane/base/process.h"
#include "dataplane/engine/rows.h"
#include "dhcp/line_files.h"
#include "dhcp/release.h"
#include "dhcp/running.h"

namespace novaplane::dhcp {

/// How dnsmasq is run.
struct Program {
  std::string path;  ///< looked up in PATH
  std::string user;  ///< that it becomes once its sockets are bound
  /// Whose name servers it asks where the document has none.
  std::string resolv_file = "/etc/resolv.conf";
};

/// One network's dnsmasq and the folder that it lives from:
///
///   dnsmasq-<digest>-<link>.conf   its configuration; the name tells the content and the number of
///                                  the link, so the command line proves what a process runs
///   pid                            written by dnsmasq when it serves
///   hosts/ names/                  what it was told, for DHCP and for DNS
///   unsettled                      it was about to be told to forget, and may not have been
///   refused.conf                   a later configuration, which dnsmasq refused: a comment at its
///                                  end says why. What runs is older
class Instance {
 public:
  /// `program`: as the driver was told of it.
  Instance(std::string folder, std::string program);

  void adopt(Running running) { running_.push_back(std::move(running)); }
  bool runs() const;
  const Process* process() const { return running_.empty() ? nullptr : &running_.front().process; }

  /// What runs, as a row. Whatever is not quite as we would start it (an edited file, a link made
  /// again, two at once, unfinished checksums) is a row that equals no wanted one.
  engine::Service service(const Program&) const;
  /// The same as it was told, however odd.
  std::optional<engine::Service> running_service() const;
  const LineFiles& hosts() const { return hosts_; }
  const LineFiles& names() const { return names_; }

  Result<void> make_folder();
  /// Two halves, so that many can start at once: the program is started, and has served or failed.
  Result<Child> launch(const engine::Service&, const Program&);
  Result<void> settle(Child child, Deadline deadline);
  /// Whether dnsmasq understands the configuration, in two halves. What it refuses is kept, with
  /// its words.
  Result<Child> try_out(const engine::Service&, const Program&);
  Result<void> understood(Child child, Deadline deadline);
  /// A file as large as that one's configuration can be written.
  Result<void> make_sure_of_room(const engine::Service&) const;
  void note_refusal(const engine::Service&, const Error& why) const;
  /// Two halves, too.
  void terminate();
  Result<void> wait_for_end(Deadline deadline);

  /// Has it read the hosts files again, and give up what `leases` still hold. `rewrite` changes the
  /// files; a crash of ours on the way leaves a mark that has it started afresh.
  template <class Rewrite>
  Result<void> forget(const std::vector<Lease>& leases, Rewrite&& rewrite) {
    if (auto marked = mark_unsettled(); !marked) return marked;
    if (auto rewritten = rewrite(); !rewritten) return rewritten;
    return reload(leases);
  }

  /// The configuration goes when nothing runs from it; the folder when nothing is known either.
  Result<void> tidy();

 private:
  /// `text`: of the configuration.
  std::vector<std::string> arguments(const std::string& configuration, const std::string& text,
                                     const Program&) const;
  std::string configuration_path(const engine::Service&, unsigned link) const;
  std::optional<std::string> configuration() const;
  Result<void> remove_configurations() const;
  Result<void> adopt_started();
  std::string explain(const Exit& exit) const;
  Result<void> mark_unsettled() const;
  Result<void> reload(const std::vector<Lease>& leases);

  std::string folder_, program_, unsettled_, refused_;
  LineFiles hosts_, names_;
  std::vector<Running> running_;  // more than one only after a crash of ours
  IpAddress server_;              // where it answers, as told at its last start by us
  bool has_folder_ = false;
};

}  // namespace novaplane::dhcp
