#include "dataplane/cloud/group_index.h"

#include <algorithm>

#include "dataplane/cloud/security.h"

namespace novaplane::cloud {
namespace {

template <class F>
void for_each_named(const SecurityGroup& group, F&& f) {
  for (const GroupRule& rule : group.ingress) {
    if (!rule.group.empty()) f(rule.group);
  }
  if (!group.egress) return;
  for (const GroupRule& rule : *group.egress) {
    if (!rule.group.empty()) f(rule.group);
  }
}

}  // namespace

void GroupIndex::insert(const SecurityGroup& group) {
  for_each_named(group, [&](const std::string& other) { named_by_[other].insert(group.name); });
}

void GroupIndex::erase(const SecurityGroup& group) {
  for_each_named(group, [&](const std::string& other) {
    auto& users = named_by_[other];
    if (const auto user = users.find(group.name); user != users.end()) users.erase(user);
    if (users.empty()) named_by_.erase(other);
  });
}

std::set<std::string> GroupIndex::named_by(const std::string& group) const {
  const auto users = named_by_.find(group);
  if (users == named_by_.end()) return {};
  return {users->second.begin(), users->second.end()};
}

void GroupIndex::insert(const std::vector<std::string>& list) {
  if (!list.empty()) ++lists_[number_of(list)][list];
}

void GroupIndex::erase(const std::vector<std::string>& list) {
  if (list.empty()) return;
  const auto lists = lists_.find(number_of(list));
  if (lists == lists_.end()) return;
  const auto found = lists->second.find(list);
  if (found == lists->second.end() || --found->second != 0) return;
  lists->second.erase(found);
  if (lists->second.empty()) lists_.erase(lists);
}

const std::vector<std::string>* GroupIndex::same_number(
    const std::vector<std::string>& list) const {
  const auto lists = lists_.find(number_of(list));
  if (lists == lists_.end()) return nullptr;
  const auto other =
      std::ranges::find_if(lists->second, [&](const auto& entry) { return entry.first != list; });
  return other != lists->second.end() ? &other->first : nullptr;
}

bool GroupIndex::is_in_use(const std::string& group) const {
  return std::ranges::any_of(lists_, [&](const auto& of_number) {
    return std::ranges::any_of(of_number.second, [&](const auto& entry) {
      return std::ranges::binary_search(entry.first, group);
    });
  });
}

}  // namespace novaplane::cloud
