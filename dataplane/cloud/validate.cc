#include "dataplane/cloud/validate.h"

#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

std::optional<Error> first_of(Findings findings) {
  if (findings.empty()) return std::nullopt;
  Finding first = std::move(findings.take().front());
  return Error{to_string(first.path), 0, std::move(first.sentence)};
}

}  // namespace

void validate(const Draft& draft, Findings& findings) {
  validate_hosts(draft.cloud, findings);
  validate_networks(draft, findings);
  validate_pairs(draft.cloud, findings);
  validate_links(draft.cloud, findings);
  validate_ports(draft.cloud, findings);
  validate_allowed_pairs(draft.cloud, findings);
  validate_public_addresses(draft.cloud, findings);
  validate_groups(draft.cloud, findings);
  validate_ranges(draft.cloud, findings);
  validate_pools(draft.cloud, draft.pools, findings);
}

std::optional<Error> check_floating_ip(const Cloud& cloud, const FloatingIp& ip) {
  Findings findings;
  validate_floating_ip(cloud, ip, findings);
  if (auto held = public_holder(cloud, ip.address)) {
    findings.add({"floating_ips", ip.address.to_string()}, held->kind, held->sentence);
  }
  return first_of(std::move(findings));
}

std::optional<Error> check_port(const Cloud& cloud, const Port& port) {
  Findings findings;
  validate_port(cloud, port, findings);
  return first_of(std::move(findings));
}

}  // namespace novaplane::cloud
