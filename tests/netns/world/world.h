#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/netns/world/absence.h"
#include "tests/netns/world/capture.h"
#include "tests/netns/world/dhcp_client.h"
#include "tests/netns/world/document.h"
#include "tests/netns/world/events.h"
#include "tests/netns/world/namespace.h"
#include "tests/netns/world/peers.h"
#include "tests/netns/world/snapshot.h"

/// Two hosts, an outside world and virtual machines as network namespaces of this machine.
///
///        outside 192.0.2.1 (198.51.100.7 far behind it; 203.0.113.0/24 on-link)
///           |eth0
///   ----- wan -------------------------------  192.0.2.0/24
///       |eth0 .11               |eth0 .12
///      h1   eth1,eth2          h2   eth1,eth2      tap-NAME: a VM's eth0
///        |  |                   |  |
///   ----- lan, lan2 -------------------------  no address: the VMs' wires
namespace novaplane::netns {

/// What differs between worlds. The values are the hosts' own settings, made before the first `up`.
struct Shape {
  bool br_netfilter = false;   ///< net.bridge.bridge-nf-call-iptables
  int arp_ignore = 0;          ///< of eth0
  int rp_filter = 0;           ///< of all and eth0
  bool second_uplink = false;  ///< eth3 on wan2, 198.18.0.0/24, with outside at .1
  bool third_host = false;     ///< h3, as the others
};

class World;

class Host : public Namespace {
 public:
  Host(World& world, std::string id, std::string name, std::string folder);

  const std::string& name() const { return name_; }
  const std::string& run_dir() const { return run_dir_; }

  /// `novaplane ARGUMENTS --host NAME --run-dir DIR`, where the command takes them.
  Outcome novaplane(std::vector<std::string> arguments) const;
  Outcome up() const;
  Outcome plan() const;
  Outcome down() const;
  Outcome show(const std::vector<std::string>& what = {}) const;

  /// What passes between this host's NIC and the wire, seen from the wire's end.
  Capture on_wire(const std::string& filter, const std::string& nic = "eth1") const;
  std::string wire_end(const std::string& nic) const { return name_ + "-" + nic; }

  std::vector<std::string> bystanders() const;  ///< what others put on this host, as lines
  void add_operators_tables() const;            ///< that part of it which `nft flush ruleset` takes

 private:
  friend class World;
  void add_bystanders() const;

  World& world_;
  std::string name_, run_dir_;
  std::vector<std::string> bystanders_at_first_;
  mutable bool brought_up_ = false;
};

/// A virtual machine: a namespace whose eth0 ends in its host as `tap-NAME`.
class Vm : public Namespace {
 public:
  Vm(World& world, std::string id, std::string name, std::string address);

  const std::string& name() const { return name_; }
  const std::string& address() const { return address_; }
  const std::string& mac() const { return mac_; }
  std::string tap() const { return "tap-" + name_; }
  Host& host() const { return *host_; }

  void configure(const std::string& gateway = {});  ///< by hand: address/24, default by .1
  std::optional<Lease> dhcp(Client client = Client::udhcpc,
                            const std::vector<std::string>& extra = {});

  void plug_into(Host& host);  ///< the hypervisor makes the tap
  void unplug();               ///< and destroys it, with the guest's NIC
  void move_to(Host& host);    ///< live: the guest's NIC keeps all it has

 private:
  World& world_;
  std::string name_, address_, mac_;
  Host* host_ = nullptr;
};

/// novaplaned in a host, until it is told to end.
class Daemon {
 public:
  Daemon(World& world, const Host& host);

  bool ready(Duration deadline = kHangs);                          ///< it said READY=1
  bool says(const std::string& text, Duration deadline = kHangs);  ///< in its log
  int terminate();                                                 ///< SIGTERM; its exit status
  void kill();                                                     ///< SIGKILL
  void reload() { child_.signal(1); }                              ///< SIGHUP
  bool running() { return child_.running(); }
  std::string log() const { return child_.log(); }
  pid_t pid() const { return child_.pid(); }

 private:
  std::string notify_path_;
  Fd notify_;
  Child child_;
  bool ready_ = false;
};

class World {
  Shape shape_;
  std::string prefix_ = make_namespaces(shape_);
  std::string folder_, file_;

 public:
  explicit World(Shape shape = {});
  ~World();
  World(const World&) = delete;

  Namespace fabric, outside;  ///< the switches; the world behind the uplinks
  Host h1, h2;
  Document document;  ///< starts with all hosts

  Host& h3() { return *h3_; }  ///< of a shape with a third one
  std::vector<Host*> hosts();

  /// A VM of that port name, plugged in, with its line in document.ports.
  Vm& vm(const std::string& name, Host& host, const std::string& network,
         const std::string& address);

  const std::string& file() const { return file_; }
  const std::string& folder() const { return folder_; }
  void write() const;  ///< the document to the file that all hosts read
  void up();           ///< write, and `novaplane up` on each host, which must succeed

  /// Every host that was brought up has nothing left to change, and bystanders are as they were.
  void expect_converged();
  void expect_bystanders_untouched();

 private:
  static std::string make_namespaces(const Shape& shape);
  void wire_up() const;
  void apply_shape(const Host& host) const;

  std::unique_ptr<Host> h3_;
  std::vector<std::unique_ptr<Vm>> vms_;
};

}  // namespace novaplane::netns
