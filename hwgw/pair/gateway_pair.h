#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/engine/subsystem.h"

namespace novaplane::hwgw {

/// Networks whose gateway is on one of two hosts (gateway_mode failover). keepalived decides which
/// one it is, by VRRP on the uplink, and gives it the addresses; conntrackd tells the other of the
/// flows. Everything else stands on both hosts.
///
///   host net1   services "failover/keepalived", "failover/conntrackd"
class GatewayPair : public engine::Subsystem {
 public:
  void compile(const engine::Context&, const engine::Object&, engine::Rows& out) const override;
  /// On the active host: keepalived has announced its gateways when it took them, by another MAC.
  void announce_again(const engine::Context&, const std::string& link,
                      std::vector<engine::Announce>& out) const override;
};

extern const engine::ServiceKey kKeepalived, kConntrackd;

/// A host's part in a pair, as its programs are told.
struct PairMember {
  struct Gateway {
    Prefix address;
    std::string bridge;
  };
  std::vector<std::string> hosts;  ///< both, in the document's order
  std::uint8_t id = 1;             ///< its number on the wire
  std::string host;                ///< this one
  std::string uplink;              ///< the link by which the two see each other
  IpAddress source;                ///< on the uplink, of whoever is active
  std::vector<Gateway> gateways;
  std::vector<std::string>
      underlay_ports;     ///< links without which this host is of no use to guests
  std::string sync_link;  ///< where the tunnel address is; empty: it is nowhere
  IpAddress sync_address, sync_peer;
};

/// keepalived.conf(5): VRRP version 3 (RFC 5798), an advertisement every 100 ms.
std::string keepalived_text(const PairMember& member);

/// The gateways that a text of ours names.
std::vector<PairMember::Gateway> gateways_in(std::string_view keepalived_text);

/// conntrackd.conf(5). Files of its own are named below kFolderMark, which whoever writes the text
/// into a file puts the folder for.
std::string conntrackd_text(const PairMember& member);
constexpr std::string_view kFolderMark = "@folder@";

}  // namespace novaplane::hwgw
