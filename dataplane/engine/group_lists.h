#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace novaplane::engine {

/// Security groups of one port, as cloud::groups_of() gives them: sorted, each once.
using GroupList = std::vector<std::string>;

/// The distinct lists of security groups that ports of the whole cloud have. Whoever lets a group
/// in lets all lists in that contain it: there are a few of them, however many ports there are. The
/// empty list, of ports without groups, is none.
class GroupLists {
 public:
  void add(const GroupList&);     ///< of one port more
  void remove(const GroupList&);  ///< of one port less
  void clear();

  std::size_t ports_with(const GroupList&) const;
  const std::map<GroupList, std::size_t>& all() const { return ports_; }
  /// Those that contain the group; none: no port has it.
  const std::set<GroupList>& lists_with(std::string_view group) const;

 private:
  std::map<GroupList, std::size_t> ports_;
  std::map<std::string, std::set<GroupList>, std::less<>> lists_;  ///< by each group in them
};

}  // namespace novaplane::engine
