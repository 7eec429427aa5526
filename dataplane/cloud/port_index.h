#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dataplane/cloud/cloud.h"
#include "dataplane/cloud/pointer_table.h"

namespace novaplane::cloud {

/// Ports by what no two of them may have, and by what rules ask for. A port must not change while
/// it is in here.
class PortIndex {
 public:
  void insert(const Port& port);
  void erase(const Port& port);

  /// Another port that has the same; null: none has.
  const Port* with_mac(const Mac& mac, const Port* but) const;
  const Port* with_address(std::string_view network, const IpAddress& address,
                           const Port* but) const;
  /// On the host, or needed there for a guest that migrates.
  const Port* with_link(std::string_view host, std::string_view link, const Port* but) const;
  const Port* with_hostname(std::string_view network, std::string_view hostname,
                            const Port* but) const;

  /// Another port, on a host, with an address in the range; null: none has.
  const Port* on_host_in(std::string_view network, const Prefix& range, const Port* but) const;
  /// Ports whose allowed pairs contain the address.
  std::vector<const Port*> with_pair(std::string_view network, const IpAddress& address) const;

  std::vector<const Port*> of_network(std::string_view network) const;
  std::size_t count(const std::string& host, const std::string& network) const;
  /// The routers that the network's ports name as their gateway.
  std::set<IpAddress> routers(const std::string& network) const;
  const std::map<std::string, std::set<const Port*>>& with_pairs() const { return with_pairs_; }

 private:
  struct At {
    std::string_view network;
    IpAddress address;
    auto operator<=>(const At&) const = default;
  };
  template <IpAddress (*address_of)(const Port&)>
  struct ByAddress {
    using is_transparent = void;
    static At at(const At& at) { return at; }
    static At at(const Port* port) { return {port->network, address_of(*port)}; }
    bool operator()(const auto& a, const auto& b) const { return at(a) < at(b); }
  };
  static IpAddress address_of(const Port& port) { return port.address; }
  static IpAddress address6_of(const Port& port) { return port.address6.value_or(IpAddress()); }
  static std::size_t hash_of_mac(const Port& port);
  static std::size_t hash_of_link(const Port& port);
  static std::size_t hash_of_needed_link(const Port& port);
  static std::size_t hash_of_hostname(const Port& port);

  PointerTable<Port, hash_of_mac> macs_;
  PointerTable<Port, hash_of_link> links_;
  PointerTable<Port, hash_of_needed_link> needed_links_;  ///< of those that migrate
  PointerTable<Port, hash_of_hostname> hostnames_;
  std::multiset<const Port*, ByAddress<address_of>> addresses_;    ///< all ports
  std::multiset<const Port*, ByAddress<address6_of>> addresses6_;  ///< those that have one
  std::map<std::string, std::set<const Port*>> with_pairs_;        ///< by network
  std::map<std::string, std::map<Prefix, std::vector<const Port*>>, std::less<>> pairs_;
  std::unordered_map<std::string, std::size_t> counts_;  ///< by host and network
  std::map<std::pair<std::string, IpAddress>, std::size_t> routers_;
};

}  // namespace novaplane::cloud
