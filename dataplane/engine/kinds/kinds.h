#pragma once

#include <type_traits>
#include <vector>

#include "dataplane/engine/kinds/address.h"
#include "dataplane/engine/kinds/attachment/attachment.h"
#include "dataplane/engine/kinds/element/element.h"
#include "dataplane/engine/kinds/forwarding.h"
#include "dataplane/engine/kinds/link/link.h"
#include "dataplane/engine/kinds/neighbour.h"
#include "dataplane/engine/kinds/nic_migration/nic_migration.h"
#include "dataplane/engine/kinds/policy_rule.h"
#include "dataplane/engine/kinds/route.h"
#include "dataplane/engine/kinds/service.h"
#include "dataplane/engine/kinds/service_entry.h"
#include "dataplane/engine/kinds/shaper.h"
#include "dataplane/engine/kinds/sysctl.h"

/// All kinds of kernel objects, each with the name of its list in Rows and of its table in Tables;
/// in the order in which they are planned: a NIC before the link that it leaves or joins.
#define NOVAPLANE_KINDS(KIND)            \
  KIND(elements, ElementKind)            \
  KIND(sysctls, SysctlKind)              \
  KIND(nic_migrations, NicMigrationKind) \
  KIND(links, LinkKind)                  \
  KIND(attachments, AttachmentKind)      \
  KIND(shapers, ShaperKind)              \
  KIND(addresses, AddressKind)           \
  KIND(routes, RouteKind)                \
  KIND(policy_rules, PolicyRuleKind)     \
  KIND(neighbours, NeighbourKind)        \
  KIND(forwarding, ForwardingKind)       \
  KIND(services, ServiceKind)            \
  KIND(entries, ServiceEntryKind)

/// What kinds do beside that, as steps of their own. An act has `kPhase`, `subject_of`, `what_of`,
/// `reason_of` and `noun_of`; `settled(act, tables)` says what it has made true.
#define NOVAPLANE_ACTS(ACT) ACT(Raise)

namespace novaplane::engine {

// The class of the kind that a change is of.
#define NOVAPLANE_KIND_OF(name, K) K kind_of(std::type_identity<ChangeOf<K>>);
NOVAPLANE_KINDS(NOVAPLANE_KIND_OF)
#undef NOVAPLANE_KIND_OF

template <class Operation>
concept RowChange = requires {
  kind_of(std::type_identity<Operation>());
};
template <RowChange Operation>
using KindOf = decltype(kind_of(std::type_identity<Operation>()));

/// f(kind): the kind as a std::type_identity, whose `type` is its class.
template <class F>
void for_each_kind(F&& f) {
#define NOVAPLANE_CALL(name, K) f(std::type_identity<K>());
  NOVAPLANE_KINDS(NOVAPLANE_CALL)
#undef NOVAPLANE_CALL
}

/// RTNLGRP_* of all kinds that read their own messages.
std::vector<int> groups_of_kinds();
/// How to list what those have in the kernel, given what `links` there are.
std::vector<Question> questions_of_kinds(const std::vector<netlink::Observation>& links);

}  // namespace novaplane::engine
