#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// A policy rule by its priority: packets with the mark (within the mask) look into the table.
/// IPv4. Mark: protocol netlink::kOurProtocol.
struct PolicyRule {
  std::uint32_t mark = 0;
  std::uint32_t table = 254;
  bool but_default = false;              ///< the table's default routes do not count
  std::uint32_t mask = 0;                ///< 0: whatever mark
  bool unreachable = false;              ///< no table: there is no way
  std::optional<IpAddress> source = {};  ///< packets from this address only
  bool operator==(const PolicyRule&) const = default;
};
using PolicyRuleKey = std::uint32_t;
using PolicyRuleChange = Change<PolicyRuleKey, PolicyRule>;

struct PolicyRuleKind {
  using Key = PolicyRuleKey;
  using Row = PolicyRule;
  static constexpr Noun kNoun{"policy rule", "policy rules"};
  static constexpr Phase kAdd = Phase::routes, kRemove = Phase::withdraw;
  static std::string subject(PolicyRuleKey priority);
  static std::string text(PolicyRuleKey, const PolicyRule& rule);
  static std::string difference(const PolicyRule& before, const PolicyRule& after);

  static Result<void> add(const PolicyRuleChange&, Requests&);
  static Result<void> remove(const PolicyRuleChange&, Requests&);
  static void on(const netlink::Seen<netlink::PolicyRule>&, const KernelView&, Tables&);
  static void on(const netlink::Gone<netlink::PolicyRule>&, const KernelView&, Tables&);
};

}  // namespace novaplane::engine
