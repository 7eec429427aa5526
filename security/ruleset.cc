#include "dataplane/nft/rule.h"
#include "security/flow_rules.h"
#include "security/judgement_rules.h"
#include "security/port_security_rules.h"
#include "security/security.h"

namespace novaplane::security {

nft::Ruleset Security::ruleset(const engine::Marks& marks) const {
  nft::Ruleset ruleset = port_security_ruleset();
  ruleset.merge(flow_ruleset(marks));
  ruleset.merge(judgement_ruleset(marks));
  return ruleset;
}

}  // namespace novaplane::security
