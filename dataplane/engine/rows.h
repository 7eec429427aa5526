#pragma once

#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kinds.h"

namespace novaplane::engine {

/// What one object wants: the output of compile(). A list for each kind: `rows.links`.
struct Rows {
#define NOVAPLANE_LIST(name, K) RowList<K::Key, K::Row> name;
  NOVAPLANE_KINDS(NOVAPLANE_LIST)
#undef NOVAPLANE_LIST
  std::vector<Error> problems;  ///< why the object cannot be as wanted; the rows still stand

  void clear() {  // keeps their capacity
#define NOVAPLANE_CLEAR(name, K) name.clear();
    NOVAPLANE_KINDS(NOVAPLANE_CLEAR)
#undef NOVAPLANE_CLEAR
    problems.clear();
  }
};

}  // namespace novaplane::engine
