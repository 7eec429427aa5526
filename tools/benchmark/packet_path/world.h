#pragma once

#include <memory>
#include <string>

#include "tools/benchmark/packet_path/configuration.h"
#include "tools/benchmark/packet_path/document.h"
#include "tools/benchmark/packet_path/netns.h"

namespace novaplane::bench {

/// One configuration in namespaces of its own, all on veth:
///
///   world eth0 192.0.2.1                  (203.0.113.0/24 is on its link)
///           |
///   compute1 eth0 .11, br-blue 10.0.0.1 --- tap-a: guest a 10.0.0.11
///           | eth1 blue's, eth2 tunnels --- tap-b: guest b 10.0.0.12
///   compute2 eth0 .12, br-blue 10.0.0.1 --- tap-c: guest c 10.0.0.21
///
/// eth3 and eth4 of compute1 are for what a document has beyond. Where blue is behind a router,
/// compute2 is that router.
class World {
 public:
  /// Throws when the hosts cannot be programmed.
  explicit World(const Configuration& configuration);
  World(const World&) = delete;

  /// From where, to where, and the address and port that lead there.
  struct Path {
    const Netns &client, &server;
    std::string address;
    int port;
  };
  Path path(Traffic traffic) const;

  /// Connection tracking forgets all flows: they must not pile up from round to round.
  void forget_flows() const;

 private:
  void wire_up() const;
  void wire_up_ipv6() const;
  void program(const Netns& host, unsigned number) const;

  /// The document and run directories, gone with the world.
  struct Folder {
    Folder();
    ~Folder();
    std::string path;
  };

  Configuration configuration_;
  Folder folder_;
  Netns world_, compute1_, compute2_, a_, b_, c_;
};

}  // namespace novaplane::bench
