#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/api/backend.h"

/// Which requests there are.
namespace novaplane::api {

/// What a request's body has to be.
enum class BodyKind : std::uint8_t { none, json, merge_patch, document };

struct Route {
  std::string_view method;
  std::string_view path;  ///< "/v1/{kind}/{name}"
  OrProblem<Reply> (*answer)(Backend&, const Call&);
  BodyKind body = BodyKind::none;
  bool has_query = false;  ///< which `answer` checks
};
std::span<const Route> routes();

/// The route of a request, and the object that its path names.
struct Routed {
  const Route* route = nullptr;
  cloud::ObjectName object = {};
};
/// Fails with 404, or 405 with Allow.
OrProblem<Routed> route_of(std::string_view method, const std::vector<std::string>& path);

}  // namespace novaplane::api
