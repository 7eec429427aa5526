#include <fmt/format.h>

#include <array>

#include "dataplane/cli/nearest.h"
#include "tools/cloud/api.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/table.h"
#include "tools/terminal.h"

/// `hosts`: who is alive, and with what in its kernel.
namespace novaplane::tools {
namespace {

const std::array<std::string, 2> kFormats{"table", "json"};

/// 75 -> "1m ago"
std::string ago(const Json& seconds) {
  if (seconds.is_null()) return "never";
  constexpr std::int64_t kMinute = 60, kHour = 60 * kMinute, kDay = 24 * kHour;
  const auto age = seconds.get<std::int64_t>();
  if (age < kMinute) return fmt::format("{}s ago", age);
  if (age < kHour) return fmt::format("{}m ago", age / kMinute);
  if (age < kDay) return fmt::format("{}h ago", age / kHour);
  return fmt::format("{}d ago", age / kDay);
}

/// What is wrong with the host: the most important first.
std::string trouble_of(const Json& host) {
  if (!host.at("in_cloud").get<bool>()) return "not in the cloud";
  const Json hold = value_at(host, "hold");
  if (hold.is_object()) return cell_of(hold.at("words"));
  const Json failing = value_at(host, "failing");
  if (failing.is_null() || failing == 0) return "";
  const Json& first = host.at("failures").at(0);
  return fmt::format("{} failing: {}: {}", cell_of(failing), cell_of(first.at("object")),
                     cell_of(first.at("reason")));
}

/// Null: it has never told.
std::string behind(const Json& host) {
  if (value_at(host, "revision").is_null()) return "";
  const Json& changes = host.at("behind");
  return changes.is_null() ? "?" : cell_of(changes);
}

std::string table_of(const Json& answer) {
  Table table({"HOST", "ALIVE", "REVISION", "BEHIND", "VERSION", "FORMAT", "TOLD", "TROUBLE"});
  for (const auto& [name, host] : answer.at("hosts").items()) {
    table.add({name, host.at("alive").get<bool>() ? "yes" : "no",
               cell_of(value_at(host, "revision")), behind(host),
               cell_of(value_at(host, "version")), cell_of(value_at(host, "format")),
               ago(value_at(host, "age")), trouble_of(host)});
  }
  return table.text(on(Colour::bold), off(Colour::bold));
}

}  // namespace

int hosts(const Options& options) {
  const std::string format = !options.output.empty() ? options.output
                             : options.json          ? "json"
                                                     : "table";
  if (format != "table" && format != "json") {
    return misused(
        fmt::format("-o {}: say table or json{}", format, cli::did_you_mean(format, kFormats)));
  }
  const auto answer = ask_json(options, {"GET", "/v1/status/hosts"});
  if (!answer) return tell(answer.error());
  const auto text = read_answer(
      *answer, [&](const Json& json) { return format == "json" ? to_text(json) : table_of(json); });
  if (!text) return tell(text.error());
  print(*text);
  return kDone;
}

}  // namespace novaplane::tools
