#include <bit>
#include <map>
#include <set>
#include <unordered_map>

#include "dataplane/cloud/nearest.h"
#include "dataplane/cloud/object_rules.h"
#include "dataplane/cloud/port_hosts.h"
#include "dataplane/cloud/rules.h"
#include "dataplane/cloud/security.h"

namespace novaplane::cloud {
namespace {

constexpr std::uint8_t kIcmp = 1, kIcmpv6 = 58;  // IANA's protocol numbers

bool has_ports(std::uint8_t protocol) {
  constexpr std::uint8_t kTcp = 6, kUdp = 17, kDccp = 33, kSctp = 132, kUdplite = 136;
  constexpr std::uint8_t kThem[] = {kTcp, kUdp, kDccp, kSctp, kUdplite};
  return std::ranges::find(kThem, protocol) != std::end(kThem);
}

/// "there is no security group wbe: did you mean web?"
std::string no_group(const Cloud& cloud, std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& [other, group] : cloud.security_groups) known.push_back(other);
  const std::string_view meant = nearest(name, known);
  return meant.empty()
             ? fmt::format("there is no security group {}", name)
             : fmt::format("there is no security group {}: did you mean {}?", name, meant);
}

/// One rule, and where it stands.
class RuleCheck {
 public:
  RuleCheck(const Cloud& cloud, const SecurityGroup& group, bool is_ingress, Findings& findings)
      : cloud_(cloud), group_(group), is_ingress_(is_ingress), findings_(findings) {}

  void check(const std::vector<GroupRule>& rules) {
    for (index_ = 0; index_ < rules.size(); ++index_) check(rules[index_]);
  }

 private:
  void check(const GroupRule& rule) {
    check_protocol(rule);
    check_ranges(rule);
    check_overlaps(rule);
    if (rule.group.empty()) return;
    if (!rule.ranges.empty()) {
      tell(peers() + "_group", "bad-value",
           fmt::format("stands beside {}: give it a rule of its own", peers()));
    }
    if (!cloud_.security_groups.contains(rule.group) && !findings_.full()) {
      tell(peers() + "_group", "dangling", no_group(cloud_, rule.group));
    }
  }

  /// What could not be read is not the reason for another mistake.
  void check_protocol(const GroupRule& rule) {
    const bool is_icmp = rule.protocol == kIcmp || rule.protocol == kIcmpv6;
    const bool has_type = rule.type || rule.code;
    if (!rule.ports.empty() && !has_ports(rule.protocol) && !findings_.has(at("protocol"))) {
      tell("ports", "wrong-protocol", "needs protocol tcp, udp, sctp, udplite or dccp");
    }
    if (has_type && !is_icmp && !findings_.has(at("protocol"))) {
      tell(rule.type ? "type" : "code", "wrong-protocol", "needs protocol icmp or icmpv6");
    }
    if (rule.code && !rule.type && !findings_.has(at("type"))) {
      findings_.add(at("type"), "missing", "is missing: a code is one of a type");
    }
  }

  void check_ranges(const GroupRule& rule) {
    const auto is_v4 = [](const Prefix& range) { return range.address.is_v4(); };
    const bool has_v4 = std::ranges::any_of(rule.ranges, is_v4);
    const bool has_v6 = !std::ranges::all_of(rule.ranges, is_v4);
    if (has_v4 && has_v6) {
      tell(peers(), "mixed-families",
           "has ranges of IPv4 and of IPv6: give each family a rule of its own");
    } else if (has_v6 && rule.protocol == kIcmp) {
      tell(peers(), "wrong-family", "has IPv6 ranges, which have protocol icmpv6");
    } else if (has_v4 && rule.protocol == kIcmpv6) {
      tell(peers(), "wrong-family", "has IPv4 ranges, which have protocol icmp");
    }
  }

  /// Lists that were not read as a whole have other indices.
  void check_overlaps(const GroupRule& rule) {
    if (rule.ranges.size() > 1 && !findings_.has(at(peers()))) {
      validate_list(rule.ranges, at(peers()), findings_);
    }
    for (auto port = rule.ports.begin(); port != rule.ports.end(); ++port) {
      const auto other = std::find_if(rule.ports.begin(), port, [&](const PortRange& earlier) {
        return overlap(earlier, *port);
      });
      if (other == port || findings_.has(at("ports"))) continue;
      Path path = at("ports");
      path.push_back(fmt::format("[{}]", port - rule.ports.begin()));
      findings_.add(
          std::move(path), "overlap",
          fmt::format("{} overlaps {} in the same list", to_string(*port), to_string(*other)));
    }
  }

  std::string peers() const { return is_ingress_ ? "from" : "to"; }
  Path at(std::string key) const {
    return {"security_groups", group_.name, is_ingress_ ? "ingress" : "egress",
            fmt::format("[{}]", index_), std::move(key)};
  }
  void tell(std::string key, std::string kind, std::string sentence) {
    findings_.add(at(std::move(key)), std::move(kind), std::move(sentence));
  }

  const Cloud& cloud_;
  const SecurityGroup& group_;
  bool is_ingress_;
  Findings& findings_;
  std::size_t index_ = 0;
};

/// The document's lists of groups by the numbers that the kernel knows them by.
class GroupNumbers {
 public:
  explicit GroupNumbers(Findings& findings) : findings_(findings) {}

  void add(const Port& port, const std::vector<std::string>& groups) {
    const auto [known, is_new] = lists_.try_emplace(number_of(groups), Known{groups, &port});
    const Known& other = known->second;
    if (is_new || other.groups == groups || !told_.insert(groups).second) return;
    tell_same_number(port, groups, other.groups, other.port->name, findings_);
  }

 private:
  struct Known {
    std::vector<std::string> groups;
    const Port* port;
  };
  Findings& findings_;
  std::unordered_map<std::uint32_t, Known> lists_;
  std::set<std::vector<std::string>> told_;
};

}  // namespace

void tell_same_number(const Port& port, const std::vector<std::string>& groups,
                      const std::vector<std::string>& others, const std::string& other_port,
                      Findings& findings) {
  const Path path = port.security_groups ? Path{"ports", port.name, "security_groups"}
                                         : Path{"networks", port.network, "security_groups"};
  findings.add(path, "same-number",
               fmt::format("the kernel would know {} by the same number as {} of port {}: give "
                           "one of the groups another name",
                           fmt::join(groups, ", "), fmt::join(others, ", "), other_port));
}

void validate_mark_bits(const Cloud& cloud, const Port& port, std::set<const Host*>& told,
                        Findings& findings) {
  constexpr int kNeeded = kFewestMarkBits + kMarkBitsOfGroups;
  for_each_host(port, [&](const std::string& name) {
    const Host* host = lookup(cloud.hosts, name);
    if (!host || std::popcount(host->mark_mask) >= kNeeded) return;
    if (!told.insert(host).second) return;
    findings.add({"hosts", host->name, "mark_mask"}, "bad-value",
                 fmt::format("has {} bits, and port {} with its security groups needs {}",
                             std::popcount(host->mark_mask), port.name, kNeeded));
  });
}

void validate_group(const Cloud& cloud, const SecurityGroup& group, Findings& findings) {
  RuleCheck(cloud, group, true, findings).check(group.ingress);
  if (group.egress) RuleCheck(cloud, group, false, findings).check(*group.egress);
}

void validate_groups_of_network(const Cloud& cloud, const Network& network, Findings& findings) {
  validate_group_names(cloud, network.security_groups,
                       {"networks", network.name, "security_groups"}, findings);
}

void validate_group_names(const Cloud& cloud, const std::vector<std::string>& groups,
                          const Path& path, Findings& findings) {
  constexpr std::size_t kMost = 64;
  const bool is_whole = groups.empty() || !findings.has(path);  // else there are other indices
  for (std::size_t i = 0; i < groups.size() && is_whole && !findings.full(); ++i) {
    if (cloud.security_groups.contains(groups[i])) continue;
    Path element = path;
    element.push_back(fmt::format("[{}]", i));
    findings.add(std::move(element), "dangling", no_group(cloud, groups[i]));
  }
  if (groups.size() <= kMost) return;
  findings.add(path, "bad-value",
               fmt::format("has {} groups, and a port has {} at most", groups.size(), kMost));
}

void validate_groups(const Cloud& cloud, Findings& findings) {
  for (const SecurityGroup* group : in_order(cloud.security_groups)) {
    validate_group(cloud, *group, findings);
  }
  for (const auto& [name, network] : cloud.networks) {
    validate_groups_of_network(cloud, network, findings);
  }
  if (cloud.security_groups.empty()) return;
  GroupNumbers numbers(findings);
  std::set<const Host*> told;
  for (const Port* port : in_order(cloud.ports)) {
    const std::vector<std::string> groups = groups_of(cloud, *port);
    if (groups.empty()) continue;
    numbers.add(*port, groups);
    validate_mark_bits(cloud, *port, told, findings);
  }
}

void find_unused_groups(const Cloud& cloud, Findings& findings) {
  std::set<std::string_view> used;
  for (const auto& [name, network] : cloud.networks) {
    used.insert(network.security_groups.begin(), network.security_groups.end());
  }
  for (const auto& [name, port] : cloud.ports) {
    if (!port.security_groups) continue;
    used.insert(port.security_groups->begin(), port.security_groups->end());
  }
  for (const auto& [name, group] : cloud.security_groups) {
    if (used.contains(name)) continue;
    findings.add_at_key({"security_groups", name}, "unused",
                        "no port and no network has this group");
  }
}

}  // namespace novaplane::cloud
