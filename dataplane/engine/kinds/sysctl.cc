#include "dataplane/engine/kinds/sysctl.h"

#include "dataplane/engine/apply.h"
#include "dataplane/engine/planning.h"
#include "dataplane/netlink/sysctl.h"

namespace novaplane::engine {
namespace {

/// "net/ipv4/conf/br-blue/rp_filter" waits for its link, as a port does: the next pass has it.
bool is_of_link_to_come(const Tables& tables, const SysctlKey& key) {
  constexpr std::size_t kFamilyAndKind = 3;  // net/ipv4/conf
  std::size_t begin = 0;
  for (std::size_t i = 0; i < kFamilyAndKind && begin != std::string::npos; ++i) {
    begin = key.find('/', begin);
    if (begin != std::string::npos) ++begin;
  }
  if (begin == std::string::npos) return false;
  const std::string name = key.substr(begin, key.find('/', begin) - begin);
  return tables.links.rows().desired(name) && !tables.links.rows().actual(name);
}

constexpr std::string_view kForwarding6 = "net/ipv6/conf/all/forwarding";

/// With it the kernel forgets the default routes of links whose accept_ra is 1
/// (net/ipv6/addrconf.c, addrconf_fixup_forwarding): it goes on last and off first.
bool is_forwarding6(const SysctlKey& key) { return key == kForwarding6; }

}  // namespace

std::string SysctlKind::difference(const Sysctl& before, const Sysctl& after) {
  return fmt::format("was {}, wanted {}", before.value, after.value);
}

std::optional<Phase> SysctlKind::place(Planning& planning, const SysctlKey& key,
                                       const Sysctl* wanted, const Owner&) {
  const bool may_be = wanted && !is_of_link_to_come(planning.tables, key);
  return may_be ? std::optional(kAdd) : std::nullopt;
}

// --- seen

void SysctlKind::on(SeenSysctl& seen, KernelView&, Tables& tables) {
  tables.sysctls.set_actual(seen.name, {std::move(seen.value)});
}

void SysctlKind::to_read(const Tables& tables, std::vector<std::string>& names) {
  tables.sysctls.rows().for_each([&](const SysctlKey& key, const Sysctl* wanted, auto*) {
    if (wanted) names.push_back(key);
  });
}

// --- to the kernel

void SysctlKind::write_all(ApplyContext& pass, const Work& work) {
  for (const Step& step : work.steps) {
    const auto& change = std::get<SysctlChange>(step.operation);
    if (change.before) {
      pass.originals.record("sysctl:" + change.key, change.before->value, change.after->value);
    }
  }
  pass.keep_or_tell();
  for (const bool forwards : {false, true}) {
    for (std::size_t i = 0; i < work.steps.size(); ++i) {
      const auto& change = std::get<SysctlChange>(work.steps[i].operation);
      if (is_forwarding6(change.key) != forwards) continue;
      work.results[i] = netlink::write_sysctl(change.key, change.after->value);
    }
  }
}

bool SysctlKind::is_given_back_first(std::string_view subject) {
  return subject.ends_with(kForwarding6);
}

/// What somebody else has set since is theirs.
Result<void> SysctlKind::give_back(ApplyContext&, std::string_view, const std::string& name,
                                   const Originals::Value& value) {
  const auto now = netlink::read_sysctl(name);
  if (!now && now.error().code == ENOENT) return {};
  if (!now) return tl::unexpected(now.error());
  return *now == value.ours ? netlink::write_sysctl(name, value.found) : Result<void>();
}

void SysctlKind::give_back_forwarding(ApplyContext& pass) {
  for (const char* sysctl : {"net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"}) {
    const auto value = pass.originals.find(fmt::format("sysctl:{}", sysctl));
    if (value) (void)give_back(pass, "sysctl", sysctl, *value);
  }
}

}  // namespace novaplane::engine
