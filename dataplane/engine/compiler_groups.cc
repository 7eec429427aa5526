#include <algorithm>

#include "dataplane/engine/compiler.h"
#include "dataplane/engine/lookup.h"

/// Security groups: rules are compiled with the ports of this host that have them, and look at the
/// lists of groups that are there (GroupLists), never at single ports of others.
namespace novaplane::engine {
namespace {

/// Groups that the rules of a group name.
std::set<std::string> named_by(const cloud::SecurityGroup& group) {
  std::set<std::string> names;
  const auto add = [&](const std::vector<cloud::GroupRule>& rules) {
    for (const cloud::GroupRule& rule : rules) {
      if (!rule.group.empty()) names.insert(rule.group);
    }
  };
  add(group.ingress);
  if (group.egress) add(*group.egress);
  return names;
}

}  // namespace

void Compiler::index(const cloud::SecurityGroup& group) {
  for (const std::string& named : named_by(group)) naming_group_[named].insert(group.name);
}

void Compiler::unindex(const cloud::SecurityGroup& group) {
  for (const std::string& named : named_by(group)) {
    const auto naming = naming_group_.find(named);
    naming->second.erase(group.name);
    if (naming->second.empty()) naming_group_.erase(naming);
  }
}

void Compiler::index_groups(const cloud::Port& port) {
  const GroupList groups = cloud::groups_of(cloud(), port);
  if (groups.empty()) return;
  group_lists_.add(groups);
  if (is_local(port)) ports_of_list_[groups].insert(port.name);
}

void Compiler::unindex_groups(const cloud::Port& port) {
  const GroupList groups = cloud::groups_of(cloud(), port);
  group_lists_.remove(groups);
  const auto ports = ports_of_list_.find(groups);
  if (ports == ports_of_list_.end()) return;
  ports->second.erase(port.name);
  if (ports->second.empty()) ports_of_list_.erase(ports);
}

/// Ports that stay as they are while their network changes, which may give them other groups.
std::vector<std::string> Compiler::ports_left_alone(const cloud::Changes& changes) const {
  std::vector<std::string> names;
  const std::set<std::string_view> changed(changes.ports.begin(), changes.ports.end());
  for (const std::string& network : changes.networks) {
    const auto [first, last] = ports_of_network_.equal_range(network);
    for (auto it = first; it != last; ++it) {
      if (!changed.contains(it->second)) names.push_back(it->second);
    }
  }
  return names;
}

/// The ports of this host that have the group.
void Compiler::add_ports_with_group(std::string_view group, std::set<Object>& found) const {
  for (const GroupList& list : group_lists_.lists_with(group)) {
    const auto* ports = find(ports_of_list_, list);
    if (!ports) continue;
    for (const std::string& port : *ports) add_dependents_of_port(port, found);
  }
}

/// Those whose rules let ports with that list in, or let packets out to them.
void Compiler::add_dependents_of_list(const GroupList& list, std::set<Object>& found) const {
  for (const std::string& group : list) {
    const auto* naming = find(naming_group_, group);
    if (!naming) continue;
    for (const std::string& other : *naming) add_ports_with_group(other, found);
  }
}

/// The first port with a list brings it, the last one takes it away.
void Compiler::add_dependents_of_lists(const cloud::Edit& edit, std::set<Object>& found) const {
  std::map<GroupList, long> moves;  // ports more
  const auto count = [&](const cloud::Cloud& cloud, const std::string& name, long more) {
    const auto* port = find(cloud.ports, name);
    if (port) moves[cloud::groups_of(cloud, *port)] += more;
  };
  const auto count_both = [&](const std::string& name) {
    count(*edit.before, name, -1);
    count(*edit.after, name, 1);
  };
  std::ranges::for_each(edit.changes.ports, count_both);
  std::ranges::for_each(ports_left_alone(edit.changes), count_both);
  for (const auto& [list, more] : moves) {
    const auto before = static_cast<long>(group_lists_.ports_with(list));
    if ((before != 0) != (before + more != 0)) add_dependents_of_list(list, found);
  }
}

/// Likewise where one port is edited.
void Compiler::add_dependents_of_lists(const cloud::Port* before, const cloud::Port* after,
                                       std::set<Object>& found) const {
  const auto groups_of = [this](const cloud::Port* port) {
    return port ? cloud::groups_of(cloud(), *port) : GroupList{};
  };
  const GroupList old = groups_of(before), now = groups_of(after);
  if (old == now) return;
  if (group_lists_.ports_with(old) == 1) add_dependents_of_list(old, found);
  if (group_lists_.ports_with(now) == 0) add_dependents_of_list(now, found);
}

}  // namespace novaplane::engine
