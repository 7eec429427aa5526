#pragma once

#include <string>
#include <type_traits>

#include "dataplane/engine/rows.h"
#include "dataplane/engine/table.h"

namespace novaplane::engine {

/// A kind may count its keys: `Tally`.
template <class K>
struct TallyOf {
  using type = NoTally<typename K::Key>;
};
template <class K>
requires requires { typename K::Tally; }
struct TallyOf<K> {
  using type = typename K::Tally;
};
template <class K>
using TableOf = Table<typename K::Key, typename K::Row, typename TallyOf<K>::type>;

/// Everything that a host's network is, wanted and seen. A table for each kind: `tables.links`.
struct Tables {
#define NOVAPLANE_TABLE(name, K) TableOf<K> name;
  NOVAPLANE_KINDS(NOVAPLANE_TABLE)
#undef NOVAPLANE_TABLE

  /// f(kind, table): the kind as a std::type_identity, whose `type` is its class.
  template <class F>
  void for_each_kind(F&& f) {
#define NOVAPLANE_CALL(name, K) f(std::type_identity<K>(), name);
    NOVAPLANE_KINDS(NOVAPLANE_CALL)
#undef NOVAPLANE_CALL
  }
  template <class F>
  void for_each_kind(F&& f) const {
#define NOVAPLANE_CALL(name, K) f(std::type_identity<K>(), name);
    NOVAPLANE_KINDS(NOVAPLANE_CALL)
#undef NOVAPLANE_CALL
  }
};

/// Pairs each list of `rows` with its table: f(list, table).
template <class F>
void for_each_list(Rows& rows, Tables& tables, F&& f) {
#define NOVAPLANE_PAIR(name, K) f(rows.name, tables.name);
  NOVAPLANE_KINDS(NOVAPLANE_PAIR)
#undef NOVAPLANE_PAIR
}

/// "bridge": the type of a link that is a row of one of the kinds, as seen; null: it is none.
const std::string* type_if_ours(const Tables&, const std::string& link);

// The table of the kind that a change is of.
#define NOVAPLANE_TABLE_OF(name, K)                                              \
  inline TableOf<K>& table_of(Tables& tables, std::type_identity<ChangeOf<K>>) { \
    return tables.name;                                                          \
  }
NOVAPLANE_KINDS(NOVAPLANE_TABLE_OF)
#undef NOVAPLANE_TABLE_OF

}  // namespace novaplane::engine
