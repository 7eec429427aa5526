#include "dataplane/store/module.h"

#include <grpc/support/log.h>

#include <cstdio>
#include <string_view>

#include "dataplane/store/etcd/etcd_store.h"

namespace {

using namespace novaplane::store;

/// gRPC writes what fails to stderr, again and again; answers say it. What it says before it ends
/// the process is worth a line.
void log_of_grpc(gpr_log_func_args* line) {
  if (std::string_view(line->message).starts_with("assertion failed")) {
    std::fprintf(stderr, "gRPC: %s:%d: %s\n", line->file, line->line, line->message);
  }
}

Answer<std::unique_ptr<Store>> open(const std::string& words, const ModuleServices& services) {
  ::gpr_set_log_function(log_of_grpc);
  auto place = etcd::parse_place(words);
  if (!place) return tl::unexpected(place.error());
  auto members = etcd::Members::open(std::move(*place));
  if (!members) return tl::unexpected(members.error());
  return std::make_unique<etcd::EtcdStore>(std::move(*members), services);
}

}  // namespace

extern "C" {

[[gnu::visibility("default")]] const char* novaplane_module_version() { return NOVAPLANE_VERSION; }

[[gnu::visibility("default")]] void novaplane_open_store(const std::string& words,
                                                         const ModuleServices& services,
                                                         Answer<std::unique_ptr<Store>>& opened) {
  opened = open(words, services);
}
}
