#include "dataplane/api/routes.h"

#include <fmt/format.h>

#include <utility>

#include "dataplane/api/documents.h"
#include "dataplane/api/hosts.h"
#include "dataplane/api/objects.h"
#include "dataplane/api/openapi.h"
#include "dataplane/api/store_acts.h"
#include "dataplane/api/store_requests.h"
#include "dataplane/base/printable.h"

namespace novaplane::api {
namespace {

using cloud::Kind;

OrProblem<Reply> description(Backend&, const Call&) {
  return Reply{200, std::string(openapi()), "application/json", {}};
}

/// Paths with names of their own come before those with {kind}.
constexpr Route kRoutes[] = {
    {"GET", "/v1/cloud", document},
    {"POST", "/v1/apply", apply, BodyKind::document, true},
    {"GET", "/v1/watch", watch, BodyKind::none, true},
    {"GET", "/v1/history", history, BodyKind::none, true},
    {"GET", "/v1/status", status},
    {"GET", "/v1/status/hosts", hosts},
    {"GET", "/v1/status/pools", pools_in_use},
    {"GET", "/v1/openapi.json", description},
    {"POST", "/v1/store/accept", accept},
    {"POST", "/v1/store/backup", back_up, BodyKind::json},
    {"GET", "/v1/store/check", check_store},
    {"POST", "/v1/store/init", init},
    {"POST", "/v1/store/restore", restore, BodyKind::json, true},
    {"GET", "/v1/{kind}", list, BodyKind::none, true},
    {"POST", "/v1/{kind}", create, BodyKind::json},
    {"GET", "/v1/{kind}/{name}", get},
    {"PUT", "/v1/{kind}/{name}", put, BodyKind::json},
    {"PATCH", "/v1/{kind}/{name}", patch, BodyKind::merge_patch},
    {"DELETE", "/v1/{kind}/{name}", remove},
};

/// Whether the path is of that form; the object that it names.
std::optional<cloud::ObjectName> matched(std::string_view form,
                                         const std::vector<std::string>& path) {
  cloud::ObjectName object;
  for (const std::string& part : path) {
    if (!form.starts_with('/')) return std::nullopt;
    form.remove_prefix(1);
    const auto wanted = form.substr(0, form.find('/'));
    form.remove_prefix(wanted.size());
    if (wanted == "{kind}") {
      const auto kind = cloud::kind_of(part);
      if (!kind) return std::nullopt;
      object.kind = *kind;
    } else if (wanted == "{name}") {
      if (part.empty()) return std::nullopt;
      object = object_name(object.kind, part);
    } else if (wanted != part) {
      return std::nullopt;
    }
  }
  return form.empty() ? std::optional(object) : std::nullopt;
}

/// The ranges are one object, which is always there.
bool is_possible(const Route& route, const cloud::ObjectName& object) {
  return object.kind != Kind::ranges || route.answer != create;
}
bool may_be(const cloud::ObjectName& object) {
  return object.kind != Kind::ranges || object.name.empty() || object.name == cloud::kRangesName;
}

}  // namespace

std::span<const Route> routes() { return kRoutes; }

OrProblem<Routed> route_of(std::string_view method, const std::vector<std::string>& path) {
  std::string allowed;
  std::string_view form;
  for (const Route& route : kRoutes) {
    const auto object = matched(route.path, path);
    if (!object || !may_be(*object) || !is_possible(route, *object)) continue;
    if (form.empty()) form = route.path;
    if (route.path != form) continue;
    if (route.method == method) return Routed{&route, *object};
    allowed += (allowed.empty() ? "" : ", ") + std::string(route.method);
  }
  if (form.empty()) {
    std::string text;
    for (const std::string& part : path) text += '/' + printable(part);
    return problem(404, "there is nothing at " + text);
  }
  Problem problem{405, fmt::format("{} is not possible here, but {}", printable(method), allowed)};
  problem.headers.emplace_back("Allow", std::move(allowed));
  return tl::unexpected(std::move(problem));
}

}  // namespace novaplane::api
