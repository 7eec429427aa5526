#include "dataplane/engine/kinds/kinds.h"

#include <iterator>

namespace novaplane::engine {
namespace {

template <class F>
void for_each_kind(F&& f) {
#define NOVAPLANE_CALL(name, K) f(std::type_identity<K>());
  NOVAPLANE_KINDS(NOVAPLANE_CALL)
#undef NOVAPLANE_CALL
}

}  // namespace

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

}  // namespace novaplane::engine
