#include "dataplane/engine/kinds/policy_rule.h"

#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/requests.h"

namespace novaplane::engine {
namespace {

netlink::PolicyRule message_of(PolicyRuleKey priority, const PolicyRule& row) {
  netlink::PolicyRule rule{
      .priority = priority, .mark = row.mark, .mask = row.mask, .table = row.table};
  if (row.but_default) rule.suppress_prefix_length = 0;
  rule.unreachable = row.unreachable;
  rule.source = row.source;
  return rule;
}

}  // namespace

std::string PolicyRuleKind::subject(PolicyRuleKey priority) {
  return fmt::format("rule priority {}", priority);
}

std::string PolicyRuleKind::text(PolicyRuleKey, const PolicyRule& rule) {
  std::string from = rule.source ? fmt::format("from {}", *rule.source) : "all";
  if (rule.mask != 0) from = fmt::format("fwmark {:#x}/{:#x}", rule.mark, rule.mask);
  if (rule.unreachable) return from + " unreachable";
  return fmt::format("{} lookup {}{}", from, rule.table,
                     rule.but_default ? " suppress_prefixlength 0" : "");
}

std::string PolicyRuleKind::difference(const PolicyRule& before, const PolicyRule& after) {
  return fmt::format("was {}, wanted {}", text({}, before), text({}, after));
}

Result<void> PolicyRuleKind::add(const PolicyRuleChange& change, Requests& requests) {
  if (change.before) {
    requests.then(netlink::delete_policy_rule(message_of(change.key, *change.before)));
  }
  requests.then(netlink::add_policy_rule(message_of(change.key, *change.after)));
  return {};
}

Result<void> PolicyRuleKind::remove(const PolicyRuleChange& change, Requests& requests) {
  requests.removal(netlink::delete_policy_rule(message_of(change.key, *change.before)));
  return {};
}

void PolicyRuleKind::on(const netlink::Seen<netlink::PolicyRule>& seen, const KernelView&,
                        Tables& tables) {
  const netlink::PolicyRule& rule = seen.value;
  if (rule.protocol != netlink::kOurProtocol) return;
  tables.policy_rules.set_actual(
      rule.priority, {rule.mark, rule.table, rule.suppress_prefix_length == 0u, rule.mask,
                      rule.unreachable, rule.source});
}

void PolicyRuleKind::on(const netlink::Gone<netlink::PolicyRule>& gone, const KernelView&,
                        Tables& tables) {
  if (gone.value.protocol == netlink::kOurProtocol) {
    tables.policy_rules.remove_actual(gone.value.priority);
  }
}

}  // namespace novaplane::engine
