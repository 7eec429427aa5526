#pragma once

#include <set>
#include <string>
#include <tuple>

#include "dataplane/cloud/security.h"
#include "dataplane/engine/elements.h"
#include "dataplane/engine/subsystem.h"

namespace novaplane::test {

using GroupMembers =
    nft::MapOf<nft::Fields<nft::Field::ipv4_addr>, nft::Fields<nft::Field::ipv4_addr>>;
constexpr GroupMembers kGroupMembers{nft::Family::bridge, "test_members"};
constexpr nft::SetOf<nft::Field::ipv4_addr, nft::Field::inet_service> kRulesOfLists{
    nft::Family::bridge, "test_list_rules"};
constexpr nft::SetOf<nft::Field::ifname, nft::Field::ipv4_addr, nft::Field::inet_service>
    kRulesOfGroups{nft::Family::bridge, "test_rules"};
constexpr nft::SetOf<nft::Field::ifname, nft::Field::ether_addr, nft::Field::ipv4_addr> kPairs{
    nft::Family::bridge, "test_pairs"};

/// Elements for all that the document may say of security groups and allowed pairs, as far as a
/// subsystem may look: the members of lists of groups in the whole cloud; what this host's ports
/// let in, by rule and list; their pairs. A list is an IPv4 address here, for its number.
class GroupRows : public engine::Subsystem {
 public:
  nft::Ruleset ruleset(const engine::Marks&) const override {
    return {{kGroupMembers.declared(), kRulesOfLists.declared(), kRulesOfGroups.declared(),
             kPairs.declared()},
            {},
            {}};
  }

  void compile(const engine::Context& context, const engine::Object& object,
               engine::Rows& out) const override {
    engine::Elements elements(object, out);
    if (object.kind == engine::ObjectKind::floating_ip) {
      const auto address = *IpAddress::parse(object.name);
      const auto& floating = context.cloud.floating_ips.at(address);
      const auto port = context.cloud.ports.find(floating.port);
      if (port == context.cloud.ports.end()) return;
      add_member(context, port->second, address, elements);
    } else if (object.kind == engine::ObjectKind::port) {
      const cloud::Port& port = context.cloud.ports.at(object.name);
      add_member(context, port, port.address, elements);
      if (port.host != context.host.name) return;
      for (const auto& [list, service] : rules_of(context, port)) {
        if (list == IpAddress::v4(0)) {
          elements.add(kRulesOfLists, {number(context, port), service});
        } else {
          elements.add(kRulesOfGroups, {port.interface, list, service});
        }
      }
      for (const cloud::AllowedPair& pair : port.allowed_pairs) {
        elements.add(kPairs, {port.interface, pair.mac.value_or(port.mac), pair.address.network()});
      }
    }
  }

 private:
  static IpAddress number(const engine::Context& context, const cloud::Port& port) {
    return IpAddress::v4(cloud::number_of(cloud::groups_of(context.cloud, port)));
  }

  static void add_member(const engine::Context& context, const cloud::Port& port,
                         const IpAddress& address, engine::Elements& elements) {
    if (cloud::groups_of(context.cloud, port).empty()) return;
    elements.add(kGroupMembers, {address}, {number(context, port)});
  }

  using Rules = std::set<std::pair<IpAddress, std::uint16_t>>;

  static Rules rules_of(const engine::Context& context, const cloud::Port& port) {
    Rules found;
    const auto add = [&](const std::vector<cloud::GroupRule>& rules) {
      for (const cloud::GroupRule& rule : rules) {
        const std::uint16_t service = rule.ports.empty() ? 0 : rule.ports[0].first;
        if (rule.group.empty()) found.emplace(IpAddress::v4(0), service);
        for (const engine::GroupList& list : context.group_lists.lists_with(rule.group)) {
          found.emplace(IpAddress::v4(cloud::number_of(list)), service);
        }
      }
    };
    for (const std::string& name : cloud::groups_of(context.cloud, port)) {
      const cloud::SecurityGroup& group = context.cloud.security_groups.find(name)->second;
      add(group.ingress);
      if (group.egress) add(*group.egress);
    }
    return found;
  }
};

}  // namespace novaplane::test
