#pragma once

#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "dataplane/cloud/rules.h"

/// Rules for one object that need to know of others: the whole document finds them by going
/// through all objects, an edit by its indexes (checked_cloud.h).
namespace novaplane::cloud {

// --- ports

/// The kernel's bridges have 1,023 ports (net/bridge/br_private.h, BR_MAX_PORTS; number 0 is
/// none's). One is kept for the underlay.
constexpr std::size_t kMostPortsOfBridge = 1022;

std::string in_lower_case(std::string name);
/// "10.0.0.11 is also that of port web2"
void tell_twin(const Port& port, std::string key, std::string kind, const std::string& what,
               const Port& other, Findings& findings);
void tell_bridge_full(const Port& port, const std::string& host, Findings& findings);
/// What a port asks of its host, and of the one that it migrates to, told once for each host.
void validate_needs(const Cloud& cloud, const Port& port, std::set<Path>& told, Findings& findings);
/// The other port's address is in the pair.
void tell_stranger(const Port& port, const AllowedPair& pair, const Port& other,
                   Findings& findings);

// --- links

/// The links that will be made, by name: "the bridge of network blue".
using MadeLinks = std::unordered_map<std::string, std::string>;
/// All rules of links but those of ports.
MadeLinks validate_made_links(const Cloud& cloud, Findings& findings);
void validate_link_of_port(const MadeLinks& made, const Port& port, Findings& findings);

// --- public addresses

/// All holders of public addresses, so that many can be asked for.
class PublicHolders {
 public:
  PublicHolders() = default;
  explicit PublicHolders(const Cloud& cloud);

  std::optional<Refusal> network_of(const IpAddress& address) const;
  std::optional<Refusal> of(const IpAddress& address) const;

 private:
  std::vector<Range<const Network*>> ranges_;
  std::unordered_map<IpAddress, std::pair<const Host*, const Uplink*>> uplinks_;
};

void validate_holder(const PublicHolders& holders, const FloatingIp& ip, Findings& findings);
void validate_forward(const Cloud& cloud, const PublicHolders& holders, const PortForward& forward,
                      Findings& findings);
void tell_overlap(const PortForward& forward, const PortForward& other, Findings& findings);

// --- security groups

void validate_group(const Cloud& cloud, const SecurityGroup& group, Findings& findings);
void validate_groups_of_network(const Cloud& cloud, const Network& network, Findings& findings);
/// The kernel knows two lists of groups by one number.
void tell_same_number(const Port& port, const std::vector<std::string>& groups,
                      const std::vector<std::string>& others, const std::string& other_port,
                      Findings& findings);
/// Told once for each host.
void validate_mark_bits(const Cloud& cloud, const Port& port, std::set<const Host*>& told,
                        Findings& findings);

// --- pools

void validate_pools(const Cloud& cloud, const Pools& pools, Findings& findings);

}  // namespace novaplane::cloud
