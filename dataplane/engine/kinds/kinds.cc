#include "dataplane/engine/kinds/kinds.h"

#include <iterator>

#include "dataplane/engine/tables.h"

namespace novaplane::engine {

std::vector<int> groups_of_kinds() {
  std::vector<int> groups;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::kGroups; }) {
      groups.insert(groups.end(), std::begin(K::kGroups), std::end(K::kGroups));
    }
  });
  return groups;
}

std::vector<Question> questions_of_kinds(const std::vector<netlink::Observation>& links) {
  std::vector<Question> all;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::questions(links); }) {
      for (Question& question : K::questions(links)) all.push_back(std::move(question));
    }
  });
  return all;
}

const std::string* type_if_ours(const Tables& tables, const std::string& link) {
  const std::string* type = nullptr;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::type_of(link, tables); }) {
      if (!type) type = K::type_of(link, tables);
    }
  });
  return type;
}

}  // namespace novaplane::engine
