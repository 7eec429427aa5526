#include <algorithm>
#include <iterator>

#include "dataplane/engine/executor.h"

/// What the run directory remembers, also where it is full or read-only: guests are served all the
/// same, and what could not be kept is said.
namespace novaplane::engine {
namespace {

bool is_given_back_first(const std::string& subject) {
  bool is_first = false;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::is_given_back_first(subject); }) {
      is_first |= K::is_given_back_first(subject);
    }
  });
  return is_first;
}

}  // namespace

/// What kinds have noted and nobody needs any more.
std::vector<Error> Executor::forget_old_records() {
  std::vector<Error> failed;
  for_each_kind([&]<class K>(std::type_identity<K>) {
    if constexpr (requires { K::forget_old_records(pass_, failed); }) {
      K::forget_old_records(pass_, failed);
    }
  });
  return failed;
}

Result<void> Executor::restore_all(std::vector<Error>* left) {
  const auto values = pass_.originals.all();
  Result<void> first;
  for (const bool is_first : {true, false}) {
    for (const auto& [subject, value] : values) {
      if (is_given_back_first(subject) != is_first) continue;
      const auto given = give_back(pass_, subject, value);
      if (given) pass_.originals.forget(subject);
      if (!given && first) first = given;
    }
  }
  std::vector<Error> failed = forget_old_records();
  if (auto written = pass_.originals.rewrite(); !written) failed.push_back(written.error());
  for (const NicRecords* records : {&pass_.nic_records, &pass_.port_records}) {
    std::ranges::move(records->end(), std::back_inserter(failed));
  }
  if (left) std::ranges::move(failed, std::back_inserter(*left));
  return first;
}

}  // namespace novaplane::engine
