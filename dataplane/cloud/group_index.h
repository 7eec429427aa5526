#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "dataplane/cloud/cloud.h"

namespace novaplane::cloud {

/// Who names security groups, and the lists of groups that ports have. A group must not change
/// while it is in here.
class GroupIndex {
 public:
  void insert(const SecurityGroup& group);
  void erase(const SecurityGroup& group);
  /// Groups whose rules name that one.
  std::set<std::string> named_by(const std::string& group) const;

  /// A list of a port; an empty one says nothing.
  void insert(const std::vector<std::string>& list);
  void erase(const std::vector<std::string>& list);
  /// Another list that the kernel would know by the same number; null: there is none.
  const std::vector<std::string>* same_number(const std::vector<std::string>& list) const;
  /// Whether a port has the group.
  bool is_in_use(const std::string& group) const;

 private:
  using Lists = std::map<std::vector<std::string>, std::size_t>;  ///< and how many ports have it

  std::map<std::string, std::multiset<std::string>> named_by_;
  std::map<std::uint32_t, Lists> lists_;  ///< by number
};

}  // namespace novaplane::cloud
