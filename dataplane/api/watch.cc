#include "dataplane/api/watch.h"

#include <fmt/format.h>

#include "dataplane/api/target.h"

namespace novaplane::api {
namespace {

/// An object as the store has it, without its place: as GET answers it.
std::string object_of(const store::Write& write) {
  if (!write.value) return "null";
  auto members = members_of(*write.value);
  if (!members) return "null";
  take(*members, "order");
  return to_json(*members);
}

}  // namespace

std::optional<WatchRequest> watch_of(const Request& request) {
  const auto target = parse_target(request.target);
  if (request.method != "GET" || !target) return std::nullopt;
  if (target->path != std::vector<std::string>{"v1", "watch"}) return std::nullopt;
  const auto revision = target->query.number("revision", 0);
  if (!target->query.allow({"revision"}) || !revision) return std::nullopt;
  if (target->query.values.empty()) return WatchRequest();
  return WatchRequest{*revision};
}

std::string line_of(const store::Change& change) {
  std::string changes;
  for (const store::Write& write : change.writes) {
    if (!changes.empty()) changes += ',';
    changes += fmt::format(R"({{"kind":{},"name":{},"object":{}}})", json_string(write.key.kind),
                           json_string(write.key.name), object_of(write));
  }
  return fmt::format("{{\"revision\":{},\"at\":{},\"by\":{},\"id\":{},\"changes\":[{}]}}\n",
                     change.revision, change.at, json_string(change.by), json_string(change.id),
                     changes);
}

}  // namespace novaplane::api
