#include <fmt/format.h>
#include <time.h>

#include <cstdio>

#include "dataplane/base/words.h"
#include "tools/cloud/api.h"
#include "tools/cloud/kinds.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/number.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/table.h"
#include "tools/terminal.h"

/// `history`, `watch`: changes of the cloud in the store.
namespace novaplane::tools {
namespace {

constexpr std::uint64_t kUsualChanges = 20, kMostChanges = 1000;
constexpr std::size_t kMostNames = 3;

/// Milliseconds since 1970 as local time: "2026-11-30 01:22:06".
std::string time_of(const Json& at) {
  const time_t seconds = at.get<std::int64_t>() / 1000;
  tm parts{};
  ::localtime_r(&seconds, &parts);
  char text[32];
  return {text, std::strftime(text, sizeof(text), "%F %T", &parts)};
}

std::string changed_in(const Json& objects) {
  return first_of(objects.get<std::vector<std::string>>(), kMostNames);
}

std::string table_of(const Json& answer) {
  Table table({"REVISION", "AT", "BY", "OBJECTS"});
  for (const Json& change : answer.at("changes")) {
    table.add({cell_of(change.at("revision")), time_of(change.at("at")), change.value("by", ""),
               changed_in(change.at("objects"))});
  }
  if (table.empty()) return "nothing was changed yet\n";
  return table.text(on(Colour::bold), off(Colour::bold));
}

std::string line_of(const Json& change, const Json& object) {
  const std::string what =
      object_called(object.at("kind").get<std::string>(), object.at("name").get<std::string>());
  const Json& now = object.at("object");
  return fmt::format("{} {} {} {}: {}\n", cell_of(change.at("revision")), time_of(change.at("at")),
                     change.value("by", "-"), what, now.is_null() ? "removed" : now.dump());
}

/// One line of the API: a change of one or more objects.
tl::expected<std::string, Refused> lines_of(const std::string& text) {
  return json_in(text).and_then([](const Json& json) {
    return read_answer(json, [](const Json& change) {
      std::string lines;
      for (const Json& object : change.at("changes")) lines += line_of(change, object);
      return lines;
    });
  });
}

void show(const std::string& line, bool json) {
  const tl::expected<std::string, Refused> lines = json ? line + "\n" : lines_of(line);
  if (lines) {
    print(*lines);
  } else {
    tell(lines.error());
  }
  std::fflush(stdout);
}

}  // namespace

int history(const Options& options) {
  std::uint64_t limit = kUsualChanges;
  if (!options.limit.empty()) {
    const auto given = number_in(options.limit);
    if (!given || *given == 0 || *given > kMostChanges) {
      return misused(fmt::format("-n {}: say a number from 1 to {}", options.limit, kMostChanges));
    }
    limit = *given;
  }
  const auto answer = ask_json(options, {"GET", fmt::format("/v1/history?limit={}", limit)});
  if (!answer) return tell(answer.error());
  const auto text = read_answer(
      *answer, [&](const Json& json) { return options.json ? to_text(json) : table_of(json); });
  if (!text) return tell(text.error());
  print(*text);
  return kDone;
}

int watch(const Options& options) {
  std::string target = "/v1/watch";
  if (!options.revision.empty()) {
    if (!number_in(options.revision)) {
      return misused(fmt::format("--revision {}: say a number", options.revision));
    }
    target += "?revision=" + options.revision;
  }
  const auto ended = follow_api(options, {"GET", target},
                                [&options](const std::string& line) { show(line, options.json); });
  if (!ended) return tell(ended.error());
  complain("novaplaned has ended the watch");
  return kFailed;
}

}  // namespace novaplane::tools
