#include "tools/cloud/edits.h"

#include <fmt/format.h>

#include <algorithm>

#include "tools/cloud/assignments.h"
#include "tools/cloud/notation.h"
#include "tools/command.h"
#include "tools/terminal.h"

/// `create`, `set`, `delete`: one object of the cloud in the store.
namespace novaplane::tools {
namespace {

Json part_of_document(const Target& target, Json object) {
  if (target.is_ranges()) return object;
  return {{std::string(target.kind->section), {{target.name, std::move(object)}}}};
}

std::string at_revision(const ControlResponse& response) {
  return response.etag.empty() ? "" : " at revision " + revision_in(response.etag);
}

/// What was allocated: ": address 10.0.0.12, mac fa:16:3e:00:00:01".
std::string allocated(const Json& wanted, const Json& object) {
  std::vector<std::string> parts;
  for (const auto& [key, value] : object.items()) {
    if (!wanted.contains(key) && !value.is_structured()) {
      parts.push_back(fmt::format("{} {}", key, cell_of(value)));
    }
  }
  return fmt::format("{}{}", parts.empty() ? "" : ": ", fmt::join(parts, ", "));
}

int tell_created(const Options& options, Target target, const Json& wanted,
                 const ControlResponse& response) {
  if (const auto name = name_in(response); !name.empty()) target.name = name;
  auto object = json_in(response.body);
  if (!object) return tell(object.error());
  if (options.json) {
    print(to_text(part_of_document(target, std::move(*object))));
  } else {
    print(fmt::format("created {}{}{}\n", target.words(), at_revision(response),
                      allocated(wanted, *object)));
  }
  return kDone;
}

/// `If-Match` of --revision.
void demand_revision(ControlRequest& request, const Options& options) {
  if (options.revision.empty()) return;
  request.headers.emplace_back("If-Match", fmt::format("\"{}\"", options.revision));
}

std::string wrong_with_create(const Targets& found) {
  const Target& target = found.front();
  if (target.is_ranges()) return "ranges are always there: `novaplane set ranges no_snat=...`";
  if (found.targets.size() > 1) {
    return fmt::format("'{}' is not KEY=VALUE", found.targets[1].name);
  }
  // A floating IP without one gets a free address.
  if (target.name.empty() && target.kind->section != "floating_ips") {
    return fmt::format("create needs a name: novaplane create {} NAME KEY=VALUE...",
                       target.kind->singular);
  }
  for (const std::string& word : found.assignments) {
    if (word.ends_with('=')) return fmt::format("{} has no value: leave it out", word);
  }
  return {};
}

std::string wrong_with_set(const Targets& found) {
  if (found.targets.size() > 1) {
    return fmt::format("'{}' is not KEY=VALUE", found.targets[1].name);
  }
  if (found.front().name.empty()) {
    return fmt::format("set needs a name: novaplane set {} NAME KEY=VALUE...",
                       found.front().kind->singular);
  }
  return found.assignments.empty() ? "set needs KEY=VALUE, or KEY= to remove a key" : "";
}

std::string wrong_with_delete(const Targets& found) {
  if (!found.assignments.empty()) {
    return fmt::format(
        "delete takes names, not '{}': choose them with `novaplane get {} {} -o name`",
        found.assignments.front(), found.front().kind->section, found.assignments.front());
  }
  return found.front().name.empty()
             ? fmt::format("delete needs a name: novaplane delete {} NAME...",
                           found.front().kind->singular)
             : "";
}

}  // namespace

std::string name_in(const ControlResponse& response) {
  const auto slash = response.location.rfind('/');
  return slash == std::string::npos ? "" : url_decoded(response.location.substr(slash + 1));
}

int patch_object(const Options& options, const Target& target, const Json& patch) {
  ControlRequest request = with_json("PATCH", target.path(), patch);
  demand_revision(request, options);
  const auto response = ask_api(options, request);
  if (!response) return tell(response.error());
  if (!options.json) {
    print(fmt::format("changed {}{}\n", target.words(), at_revision(*response)));
    return kDone;
  }
  auto object = json_in(response->body);
  if (!object) return tell(object.error());
  print(to_text(part_of_document(target, std::move(*object))));
  return kDone;
}

int delete_object(const Options& options, const Target& target) {
  ControlRequest request{"DELETE", target.path()};
  demand_revision(request, options);
  const auto response = ask_api(options, request);
  if (!response) return tell(response.error());
  print(fmt::format("deleted {}{}\n", target.words(), at_revision(*response)));
  return kDone;
}

int create(const Options& options) {
  const auto found = targets_in(options.arguments);
  if (!found) return misused(found.error());
  if (const auto sentence = wrong_with_create(*found); !sentence.empty()) return misused(sentence);
  const Target& target = found->front();
  const auto keys = patch_of(target, found->assignments);
  if (!keys) return misused(keys.error());
  Json body = Json::object();
  const bool is_floating_ip = target.kind->section == "floating_ips";
  if (!target.name.empty()) body[is_floating_ip ? "address" : "name"] = target.name;
  body.update(*keys);
  const auto response = ask_api(options, with_json("POST", Target{target.kind, ""}.path(), body));
  if (!response) return tell(response.error());
  return tell_created(options, target, body, *response);
}

int set(const Options& options) {
  const auto found = targets_in(options.arguments);
  if (!found) return misused(found.error());
  if (const auto sentence = wrong_with_set(*found); !sentence.empty()) return misused(sentence);
  const auto patch = patch_of(found->front(), found->assignments);
  if (!patch) return misused(patch.error());
  return patch_object(options, found->front(), *patch);
}

int delete_objects(const Options& options) {
  const auto found = targets_in(options.arguments);
  if (!found) return misused(found.error());
  if (const auto sentence = wrong_with_delete(*found); !sentence.empty()) return misused(sentence);
  int status = kDone;
  for (const Target& target : found->targets) {
    status = std::max(status, delete_object(options, target));
  }
  return status;
}

}  // namespace novaplane::tools
