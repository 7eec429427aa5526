#include <malloc.h>

#include <cstdio>

#include "dataplane/base/descriptor_limit.h"
#include "dataplane/base/exception.h"
#include "dataplane/daemon/daemon.h"

namespace {

using namespace novaplane::daemon;

/// Threads come and go with little, and a pass needs much for a moment: one heap for all, and what
/// is large goes back to the kernel by itself.
void keep_memory_small() {
  ::mallopt(M_ARENA_MAX, 1);
  ::mallopt(M_MMAP_THRESHOLD, 64 * 1024);
  ::mallopt(M_TRIM_THRESHOLD, 256 * 1024);
}

int run(const Options& options) {
  auto daemon = Daemon::open(options);
  if (!daemon) {
    log::error("{}", daemon.error().message());
    return 1;
  }
  (*daemon)->run();
  return 0;
}

}  // namespace

/// Tasks end their exceptions themselves; what comes here is of the start or the end.
int main(int argc, char** argv) {
  const auto parsed = parse_options({argv + 1, argv + argc});
  if (const auto* usage = std::get_if<Usage>(&parsed)) {
    std::fputs(usage->text.c_str(), usage->status == 0 ? stdout : stderr);
    return usage->status;
  }
  const auto& options = std::get<Options>(parsed);
  keep_memory_small();
  novaplane::raise_descriptor_limit();
  log::start(options.log_level);
  try {
    return run(options);
  } catch (...) {
    log::error("{}", novaplane::error_of_exception("run novaplaned").message());
    return 1;
  }
}
