#include "dataplane/engine/group_lists.h"

namespace novaplane::engine {

void GroupLists::add(const GroupList& list) {
  if (list.empty() || ++ports_[list] != 1) return;
  for (const std::string& group : list) lists_[group].insert(list);
}

void GroupLists::remove(const GroupList& list) {
  const auto ports = ports_.find(list);
  if (ports == ports_.end() || --ports->second != 0) return;
  ports_.erase(ports);
  for (const std::string& group : list) {
    const auto lists = lists_.find(group);
    lists->second.erase(list);
    if (lists->second.empty()) lists_.erase(lists);
  }
}

void GroupLists::clear() {
  ports_.clear();
  lists_.clear();
}

std::size_t GroupLists::ports_with(const GroupList& list) const {
  const auto ports = ports_.find(list);
  return ports != ports_.end() ? ports->second : 0;
}

const std::set<GroupList>& GroupLists::lists_with(std::string_view group) const {
  static const std::set<GroupList> none;
  const auto lists = lists_.find(group);
  return lists != lists_.end() ? lists->second : none;
}

}  // namespace novaplane::engine
