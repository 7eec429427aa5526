#include "dataplane/node/security_rows.h"

#include <algorithm>
#include <map>

#include "dataplane/engine/elements.h"
#include "security/flow_rules.h"
#include "security/group_rules.h"
#include "security/sets.h"

namespace novaplane::node {
namespace {

/// The port's name is that of the object that asked for its element.
void note(const nft::ElementKey& key, const nft::Element& element,
          std::map<std::string, SecurityRow>& rows) {
  const auto row_of = [&](const auto& set) -> SecurityRow& {
    return rows[std::get<0>(set.read_key(key))];
  };
  if (key.set == sets::kGuests) {
    row_of(sets::kGuests).port = engine::name_of(engine::ObjectKind::port, element);
  } else if (key.set == security::kOwnMacs) {
    row_of(security::kOwnMacs).port_security = true;
  } else if (key.set == security::kGroupsOf) {
    row_of(security::kGroupsOf).groups = security::groups_in(element.comment.view());
  } else if (key.set == security::kFromRole) {
    const auto [chain] = security::kFromRole.read_data(element);
    row_of(security::kFromRole).limits_egress = chain == security::kOutTight;
  }
}

}  // namespace

std::vector<SecurityRow> security_rows(const engine::Engine& engine, Side side) {
  std::map<std::string, SecurityRow> rows;
  engine.tables().elements.rows().for_each(
      [&](const nft::ElementKey& key, const auto* wanted, const auto* seen) {
        const nft::Element* element = side == Side::seen ? seen : wanted;
        if (element) note(key, *element, rows);
      });
  std::vector<SecurityRow> ports;
  for (auto& [interface, row] : rows) {
    if (row.port.empty()) continue;  // on its way out
    row.interface = interface;
    ports.push_back(std::move(row));
  }
  std::ranges::sort(ports, {}, &SecurityRow::port);
  return ports;
}

void add_drops(Show& show) {
  if (show.security.empty()) return;
  const auto drops = read_drops();
  for (SecurityRow& row : show.security) {
    const auto of_port = drops.find(row.interface);
    if (of_port != drops.end()) row.drops = of_port->second;
  }
}

}  // namespace novaplane::node
