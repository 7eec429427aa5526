#pragma once

#include "dataplane/engine/rows.h"
#include "dataplane/engine/table.h"

namespace novaplane::engine {

/// Everything that a host's network is, wanted and seen.
struct Tables {
  Table<LinkKey, Link> links;
  Table<AttachmentKey, Attachment> attachments;
  Table<ShaperKey, Shaper> shapers;
  Table<NicMigrationKey, NicMigration> nic_migrations;
  Table<AddressKey, Address> addresses;
  Table<RouteKey, Route> routes;
  Table<PolicyRuleKey, PolicyRule> policy_rules;
  Table<NeighbourKey, Neighbour> neighbours;
  Table<ForwardingKey, Forwarding> forwarding;
  Table<SysctlKey, Sysctl> sysctls;
  Table<nft::ElementKey, nft::Element> elements;
  Table<ServiceKey, Service> services;
  Table<ServiceEntryKey, ServiceEntry> entries;

  template <class F>
  void for_each_table(F&& f) {
    f(links), f(attachments), f(nic_migrations), f(shapers), f(addresses), f(routes),
        f(policy_rules), f(neighbours), f(forwarding), f(sysctls), f(elements), f(services),
        f(entries);
  }
};

/// Pairs each list of `rows` with its table: f(list, table).
template <class F>
void for_each_list(Rows& rows, Tables& tables, F&& f) {
  f(rows.links, tables.links), f(rows.attachments, tables.attachments),
      f(rows.nic_migrations, tables.nic_migrations), f(rows.shapers, tables.shapers),
      f(rows.addresses, tables.addresses), f(rows.routes, tables.routes),
      f(rows.policy_rules, tables.policy_rules), f(rows.neighbours, tables.neighbours),
      f(rows.forwarding, tables.forwarding), f(rows.sysctls, tables.sysctls),
      f(rows.elements, tables.elements), f(rows.services, tables.services),
      f(rows.entries, tables.entries);
}

}  // namespace novaplane::engine
