#include "dataplane/base/descriptor_limit.h"

#include <sys/resource.h>

#include <optional>

namespace novaplane {
namespace {

std::optional<rlimit> at_first;  ///< none: never raised

}  // namespace

void raise_descriptor_limit() {
  rlimit limit{};
  if (at_first || ::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  at_first = limit;
  limit.rlim_cur = limit.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &limit);  // what we had is enough for most hosts
}

void lower_descriptor_limit_of(pid_t child) {
  if (at_first) (void)::prlimit(child, RLIMIT_NOFILE, &*at_first, nullptr);
}

}  // namespace novaplane
