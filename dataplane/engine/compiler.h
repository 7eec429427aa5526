#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "dataplane/cloud/changes.h"
#include "dataplane/engine/subsystem.h"
#include "dataplane/engine/tables.h"

namespace novaplane::engine {

/// Turns the document into wanted rows: the whole of it, or one object with what depends on it.
/// compile() is pure, so the rows that an object wanted before are had by compiling it once more.
class Compiler {
 public:
  Compiler(std::string host, std::vector<const Subsystem*> subsystems, Tables& tables);

  /// Replaces the document, to be compiled from the next learn() on. One without this host (an
  /// empty one: `down`) wants nothing.
  void load(cloud::SharedCloud document);
  /// Replaces the document by its next version. What differs is compiled again, with what refers to
  /// it, by compile_until(). False: that is nearly everything, or the edit is not of what is
  /// compiled now; nothing has happened, and the document has to be loaded.
  bool follow(const cloud::Edit& edit);
  /// True: the document, or what it rests on, has changed; compile_until() follows.
  bool learn(Facts facts);
  /// Compiles what learn() found due, object by object, until that time at most. False: there is
  /// more, and the wanted rows are neither those of before nor those of afterwards.
  bool compile_until(Clock::time_point end);
  bool is_compiling() const { return part_ != Part::none; }

  /// How uplinks fare, by name, as those who watch them say: a fact from the next learn() on.
  using UplinkStatuses = std::map<std::string, UplinkStatus, std::less<>>;
  void set_uplink_statuses(UplinkStatuses statuses) { statuses_ = std::move(statuses); }

  // One object, and what refers to it, at that cost. A document that others hold is copied first.
  void put(cloud::Port port);
  void put(cloud::FloatingIp floating_ip);
  void put(cloud::PortForward forward);
  void remove(const Object& object);

  const std::vector<const Subsystem*>& subsystems() const { return subsystems_; }
  const cloud::Cloud& cloud() const { return *document_; }
  const cloud::SharedCloud& shared_cloud() const { return document_; }
  const cloud::Host* host() const;  ///< null: not in the document
  const std::string& host_name() const { return host_name_; }
  const Facts& facts() const { return facts_; }
  /// Links that the document names and somebody else makes: what facts are wanted of.
  std::vector<std::string> links_of_interest() const;
  /// Those among them that may become the ports of flat networks.
  std::set<std::string> underlay_ports() const;
  /// What VXLANs of this host leave from, or what it tells the other gateway host: its link is of
  /// interest too.
  std::optional<IpAddress> tunnel_address() const;
  /// What compile() looks at; good until the next change. For a host of the document only.
  Context context() const;
  /// Ports whose guests migrate, whatever the hosts.
  const std::set<std::string>& migrating() const { return migrating_; }
  /// What the compilation had to say against an object.
  const std::map<Object, std::vector<Error>>& problems() const { return problems_; }
  /// What was compiled again because a router outside fares otherwise, or a guest has moved: guests
  /// wait for it. Asked once.
  std::set<Object> take_waited_for() { return std::exchange(waited_for_, {}); }

  /// What subsystems say of a step.
  void add_side_effects(const Step& step, SideEffects& out) const;
  /// What subsystems announce again on a link.
  void announce_again(const std::string& link, std::vector<Announce>& out) const;

 private:
  /// What is being compiled: the whole document, or what an edit concerns, which is released, then
  /// changed, then compiled.
  enum class Part : std::uint8_t { none, whole, before_edit, after_edit };
  struct Due {
    Object object;
    std::uint64_t order;
  };

  void index_all();
  void index_gateways();
  void index(const cloud::Port& port);
  void unindex(const cloud::Port& port);
  bool is_local(const cloud::Port& port) const;
  void count_on_hosts(const cloud::Port& port);
  void index(const cloud::FloatingIp& ip);
  void unindex(const cloud::FloatingIp& ip);
  void expect_rows();
  void begin_to_compile();
  void finish_part();
  bool learn_moved(Facts& facts);    // compiler_moved.cc
  bool learn_routers(Facts& facts);  // compiler_routers.cc
  void add_dependents_of_router(const IpAddress& router, std::set<Object>& found) const;
  void compile(Object object, std::uint64_t order);
  void release(const Object& object);
  void rows_of(const Object& object);
  std::optional<std::uint64_t> order_of(const Object& object) const;
  void add_dependents_of_port(const std::string& name, std::set<Object>& found) const;
  void add_dependents_of_network(const std::string& network, std::set<Object>& found) const;
  bool changes_presence(const cloud::Port* before, const cloud::Port* after) const;
  std::size_t ports_on(const std::string& network, const std::string& host) const;
  void add_networks_that_spread(const cloud::Port* before, const cloud::Port* after,
                                std::set<Object>& found) const;
  bool names_another_router(const cloud::Port& port) const;
  void edit_port(const std::string& name, std::optional<cloud::Port> after);
  // compiler_follow.cc
  std::optional<std::set<Object>> concerned_by(const cloud::Edit& edit) const;
  void add_dependents_of_moves(const cloud::Edit& edit, std::set<Object>& found) const;
  void add_dependents_of_hosts(const std::vector<std::string>& hosts,
                               std::set<Object>& found) const;
  bool brings_network(const std::string& network, const std::string& host, long ports) const;
  void take(const cloud::Edit& edit);
  void unindex(const cloud::Changes& changes);
  void index(const cloud::Changes& changes);
  // compiler_groups.cc
  void index(const cloud::SecurityGroup& group);
  void unindex(const cloud::SecurityGroup& group);
  void index_groups(const cloud::Port& port);
  void unindex_groups(const cloud::Port& port);
  std::vector<std::string> ports_left_alone(const cloud::Changes& changes) const;
  void add_ports_with_group(std::string_view group, std::set<Object>& found) const;
  void add_dependents_of_list(const GroupList& list, std::set<Object>& found) const;
  void add_dependents_of_lists(const cloud::Edit& edit, std::set<Object>& found) const;
  void add_dependents_of_lists(const cloud::Port* before, const cloud::Port* after,
                               std::set<Object>& found) const;
  void find_renamed(Facts& facts) const;  // compiler_renamed.cc
  // compiler_uplinks.cc
  void place_uplinks(Facts& facts);
  bool uplinks_have_moved();
  void keep_to_uplinks(Facts& facts) const;
  bool only_uplinks_differ(const Facts& facts) const;
  void learn_of_uplinks(Facts facts);
  cloud::Cloud& own_cloud();
  std::vector<Due> due_of(const std::set<Object>& objects) const;
  void begin_edit(std::set<Object> concerned, std::function<void()> change);
  void edit(std::set<Object> concerned, std::function<void()> change);

  std::string host_name_;
  std::vector<const Subsystem*> subsystems_;
  Tables& tables_;
  cloud::SharedCloud document_ = std::make_shared<cloud::Cloud>();
  cloud::Host here_;  ///< the document's, its uplinks where they are on this host
  Facts facts_;
  UplinkStatuses statuses_;
  bool is_stale_ = false;  ///< the whole document has to be compiled, or is being compiled
  Rows rows_;              ///< kept for its capacity
  static constexpr std::uint32_t kFirstPass = 1;
  std::uint32_t pass_ = 0;  ///< of compilations of the whole document, the claims' own
  Part part_ = Part::none;
  std::vector<Due> due_;  ///< of the part
  std::size_t next_due_ = 0;
  std::set<Object> concerned_;
  std::function<void()> change_;
  std::uint64_t last_order_ = 0;
  std::map<Object, std::vector<Error>> problems_;
  std::set<Object> waited_for_;

  // By name: what refers to it.
  std::unordered_map<std::string, std::size_t> local_ports_;  ///< network -> ports on this host
  std::unordered_set<std::string> vxlans_;                    ///< networks
  bool shares_gateways_ = false;  ///< this host is one of a network's gateway hosts
  HostsOfNetworks hosts_of_networks_;
  std::set<std::string> migrating_;  ///< ports
  std::unordered_multimap<std::string, std::string> ports_of_network_;
  std::unordered_map<std::string, std::vector<IpAddress>> floating_of_port_;
  std::unordered_multimap<std::string, std::string> forwards_of_port_;
  GroupLists group_lists_;
  std::map<GroupList, std::set<std::string>> ports_of_list_;   ///< list -> ports on this host
  std::map<std::string, std::set<std::string>> naming_group_;  ///< group -> those with rules of it
};

}  // namespace novaplane::engine
