#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dataplane/cli/nearest.h"
#include "tools/cloud/api.h"
#include "tools/cloud/assignments.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/table.h"
#include "tools/terminal.h"

/// `get`: objects of the cloud in the store.
namespace novaplane::tools {
namespace {

const std::array<std::string, 4> kFormats{"table", "json", "yaml", "name"};

/// Name -> object.
using Objects = tl::expected<Json, Refused>;

Objects all_of(const Options& options, const Target& section,
               const std::vector<std::string>& filters) {
  std::string target = section.path();
  for (const std::string& filter : filters) {
    const auto equals = filter.find('=');
    target +=
        fmt::format("{}{}={}", &filter == &filters.front() ? "?" : "&",
                    url_encoded(filter.substr(0, equals)), url_encoded(filter.substr(equals + 1)));
  }
  const auto answer = ask_json(options, {"GET", target});
  if (!answer) return tl::unexpected(answer.error());
  return read_answer(*answer,
                     [&](const Json& json) { return json.at(std::string(section.kind->section)); });
}

Objects named(const Options& options, const std::vector<Target>& targets) {
  Json objects = Json::object();
  for (const Target& target : targets) {
    auto answer = ask_json(options, {"GET", target.path()});
    if (!answer) return answer;
    objects[target.name] = std::move(*answer);
  }
  return objects;
}

/// A host, with the one that a guest migrates to: "compute1 -> compute2".
std::string cell(const Json& object, std::string_view key) {
  const std::string value = cell_of(value_at(object, key));
  const Json target = key == "host" ? value_at(object, "migrating_to") : nullptr;
  return target.is_null() ? value : fmt::format("{} -> {}", value, cell_of(target));
}

/// Of pools, for the table alone: it is no key of theirs.
void add_use(const Options& options, Json& pools) {
  if (pools.empty()) return;
  const auto answer = ask_json(options, {"GET", "/v1/status/pools"});
  if (!answer) return;
  const Json use = value_at(*answer, "pools");
  for (auto& [name, pool] : pools.items()) {
    if (use.is_object() && use.contains(name)) pool["use"] = use.at(name);
  }
}

std::string table_of(const KindWords& kind, const Json& objects) {
  std::vector<std::string> titles;
  for (const Column& column : kind.columns) titles.emplace_back(column.title);
  Table table(titles);
  for (const auto& [name, object] : objects.items()) {
    std::vector<std::string> cells;
    for (const Column& column : kind.columns) {
      cells.push_back(column.key.empty() ? name : cell(object, column.key));
    }
    table.add(std::move(cells));
  }
  return table.text(on(Colour::bold), off(Colour::bold));
}

std::string names_of(const KindWords& kind, const Json& objects) {
  std::string text;
  for (const auto& [name, object] : objects.items()) {
    text += fmt::format("{}/{}\n", kind.section, name);
  }
  return text;
}

/// As it stands in a document.
Json part_of_document(const KindWords& kind, Json objects) {
  if (kind.section == "ranges") return objects.empty() ? Json::object() : objects.front();
  return {{std::string(kind.section), std::move(objects)}};
}

int show(const KindWords& kind, Json objects, const std::string& format, bool filtered) {
  if (format == "json") {
    print(to_text(part_of_document(kind, std::move(objects))));
  } else if (format == "yaml") {
    print(to_yaml(part_of_document(kind, std::move(objects))));
  } else if (format == "name") {
    print(names_of(kind, objects));
  } else if (objects.empty()) {
    complain(fmt::format("there are no {}{}", kind.plural, filtered ? " like that" : ""));
  } else {
    print(table_of(kind, objects));
  }
  return kDone;
}

/// Empty: all is well.
std::string wrong_with(const Targets& found, const std::string& format) {
  if (std::ranges::find(kFormats, format) == kFormats.end()) {
    return fmt::format("-o {}: say table, json, yaml or name{}", format,
                       cli::did_you_mean(format, kFormats));
  }
  const auto* kind = found.front().kind;
  if (!std::ranges::all_of(found.targets, [&](const Target& t) { return t.kind == kind; })) {
    return "get shows objects of one kind at a time";
  }
  if (!found.assignments.empty() && !found.front().name.empty()) {
    return fmt::format("'{}' chooses among all {}: leave the name out", found.assignments.front(),
                       kind->plural);
  }
  return {};
}

}  // namespace

int get(const Options& options) {
  const auto found = targets_in(options.arguments);
  if (!found) return misused(found.error());
  const std::string format = !options.output.empty() ? options.output
                             : options.json          ? "json"
                                                     : "table";
  if (const auto sentence = wrong_with(*found, format); !sentence.empty()) return misused(sentence);
  const Target& first = found->front();
  auto objects = first.name.empty() ? all_of(options, first, found->assignments)
                                    : named(options, found->targets);
  if (!objects) return tell(objects.error());
  if (first.kind->section == "pools" && format == "table") add_use(options, *objects);
  return show(*first.kind, std::move(*objects), format, !found->assignments.empty());
}

}  // namespace novaplane::tools
