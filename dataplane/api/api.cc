#include "dataplane/api/api.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <utility>

#include "dataplane/api/routes.h"
#include "dataplane/api/store_requests.h"

namespace novaplane::api {
namespace {

/// "application/json; charset=utf-8" -> "application/json"
std::string media_type(std::string_view header) {
  std::string type(header.substr(0, header.find(';')));
  while (!type.empty() && type.back() == ' ') type.pop_back();
  std::ranges::transform(type, type.begin(), [](unsigned char c) { return std::tolower(c); });
  return type;
}

std::vector<std::string> types_of(BodyKind kind) {
  switch (kind) {
    case BodyKind::none:
      return {};
    case BodyKind::json:
      return {"application/json"};
    case BodyKind::merge_patch:
      return {"application/merge-patch+json", "application/json"};
    case BodyKind::document:
      return {"application/yaml", "application/json", "application/x-yaml", "text/yaml",
              "text/x-yaml"};
  }
  return {};
}

/// Whether the body is what the request needs, as far as it can be told without the cloud.
OrProblem<void> check_body(const Request& request, BodyKind kind) {
  const std::size_t most = kind == BodyKind::document ? kMostBody : kMostObject;
  if (request.body.size() > most) {
    return problem(
        413, fmt::format("the body has {} bytes, at most {} are read", request.body.size(), most));
  }
  if (kind == BodyKind::none) return {};
  const auto types = types_of(kind);
  const std::string type = media_type(request.content_type);
  if (!type.empty() && std::ranges::find(types, type) == types.end()) {
    return problem(415, fmt::format("the body must be {}, not {}", types.front(), type));
  }
  if (kind == BodyKind::document) return {};
  if (auto checked = check_json(request.body); !checked) return problem(400, checked.error());
  return {};
}

}  // namespace

Api::Api(store::Store& store, store::Copy& copy, store::Follower& follower,
         store::Committer& committer)
    : backend_(new Backend{store, copy, follower, committer}) {}
Api::~Api() = default;

Reply Api::handle(const Request& request, const Situation& situation) {
  const auto answer = [&](Target target) -> OrProblem<Reply> {
    auto routed = route_of(request.method, target.path);
    if (!routed) return tl::unexpected(std::move(routed.error()));
    const auto& [route, object] = *routed;
    if (!route->has_query) {
      if (auto allowed = target.query.allow({}); !allowed) {
        return tl::unexpected(std::move(allowed.error()));
      }
    }
    if (auto checked = check_body(request, route->body); !checked) {
      return tl::unexpected(std::move(checked.error()));
    }
    return route->answer(*backend_, Call{request, situation, std::move(target.query), object});
  };
  auto reply = parse_target(request.target).and_then(answer);
  if (!reply) return reply_to(reply.error());
  return std::move(*reply);
}

tl::expected<store::Revision, Reply> Api::begin_watch(const WatchRequest& watch) {
  return api::begin_watch(*backend_, watch).map_error(reply_to);
}

tl::expected<std::vector<WatchLine>, Reply> Api::watch_lines(store::Revision after,
                                                             std::size_t most) {
  const auto changes = backend_->store.changes_after(after, most);
  if (!changes) return tl::unexpected(reply_to(failed(changes.error())));
  std::vector<WatchLine> lines;
  for (const store::Change& change : *changes) lines.push_back({change.revision, line_of(change)});
  return lines;
}

}  // namespace novaplane::api
