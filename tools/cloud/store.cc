#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/cli/nearest.h"
#include "tools/cloud/api.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/terminal.h"

/// `store`: the store that novaplaned follows.
namespace novaplane::tools {
namespace {

// --- store

std::string line_of(std::string_view title, const std::string& value) {
  return fmt::format("{:<10}{}\n", title, value.empty() ? "-" : value);
}

/// Null: the daemon has not reached it yet.
std::string words_of_store(const Json& store) {
  if (store.is_null()) return line_of("store", "away since novaplaned has started");
  return line_of("store",
                 fmt::format("{} {}{}", cell_of(store.at("kind")), cell_of(store.at("location")),
                             store.at("writable").get<bool>() ? "" : " (read only)")) +
         line_of("identity", cell_of(store.at("identity"))) +
         line_of("revision", fmt::format("{}, changes kept after {}", cell_of(store.at("revision")),
                                         cell_of(store.at("oldest"))));
}

std::string words_of(const Json& status) {
  std::string text = words_of_store(status.at("store")) +
                     line_of("copy", cell_of(status.at("revision"))) +
                     line_of("kernel", cell_of(status.at("applied")));
  if (const Json replica = value_at(status, "replica"); !replica.is_null()) {
    text += line_of("replica", fmt::format("{}, revision {}", cell_of(replica.at("path")),
                                           cell_of(replica.at("revision"))));
    const Json trouble = value_at(replica, "trouble");
    if (!trouble.is_null()) text += line_of("", cell_of(trouble));
  }
  const Json hold = value_at(status, "hold");
  if (hold.is_null()) return text;
  return text + line_of("held", fmt::format("{}: {}", cell_of(hold.at("reason")),
                                            cell_of(hold.at("words"))));
}

int show_status(const Options& options) {
  const auto status = ask_json(options, {"GET", "/v1/status"});
  if (!status) return tell(status.error());
  const auto words = read_answer(
      *status, [&](const Json& json) { return options.json ? to_text(json) : words_of(json); });
  if (!words) return tell(words.error());
  print(*words);
  return kDone;
}

int accept(const Options& options) {
  const auto response = ask_api(options, with_json("POST", "/v1/store/accept", Json::object()));
  if (!response) return tell(response.error());
  print("this host follows the store's cloud\n");
  return kDone;
}

int back_up(const Options& options) {
  const std::string path =
      std::filesystem::absolute(options.arguments[1]).lexically_normal().string();
  const auto response = ask_api(options, with_json("POST", "/v1/store/backup", {{"path", path}}));
  if (!response) return tell(response.error());
  print(fmt::format("wrote {}\n", path));
  return kDone;
}

int init(const Options& options) {
  const auto response = ask_api(options, with_json("POST", "/v1/store/init", Json::object()));
  if (!response) return tell(response.error());
  print("the store has an empty cloud now: novaplane apply -f FILE fills it\n");
  return kDone;
}

// --- check

std::string state_of(const Json& state) {
  return fmt::format("revision {}, {} objects, digest {}", cell_of(state.at("revision")),
                     cell_of(state.at("objects")), cell_of(state.at("digest")));
}

std::string words_of_check(const Json& check) {
  std::string text =
      line_of("store", state_of(check.at("store"))) +
      line_of("copy", state_of(check.at("copy")) +
                          (check.at("equal").get<bool>() ? ", equal" : ", different"));
  for (const Json& sentence : check.at("advice")) text += line_of("advice", cell_of(sentence));
  return text;
}

int check_store(const Options& options) {
  const auto answer = ask_json(options, {"GET", "/v1/store/check"});
  if (!answer) return tell(answer.error());
  const auto told = read_answer(*answer, [&](const Json& json) {
    const bool is_well = json.at("advice").empty() && json.at("equal").get<bool>();
    return std::pair(options.json ? to_text(json) : words_of_check(json), is_well);
  });
  if (!told) return tell(told.error());
  print(told->first);
  return told->second ? kDone : kFailed;
}

// --- restore

/// No terminal, no answer.
bool agrees(const std::string& question) {
  if (::isatty(STDIN_FILENO) != 1) {
    complain("nothing was written: say --yes to do that");
    return false;
  }
  std::fputs((question + " [y/N] ").c_str(), stderr);
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

tl::expected<Json, Refused> ask_restore(const Options& options, const std::string& path,
                                        bool is_dry) {
  const std::string target = fmt::format("/v1/store/restore{}", is_dry ? "?dry_run=true" : "");
  return ask_api(options, with_json("POST", target, {{"path", path}}))
      .and_then([](const ControlResponse& response) { return json_in(response.body); });
}

std::string plan_of(const Json& answer, const std::string& path) {
  const Json& kept = answer.at("kept");
  return fmt::format(
      "{} has {} objects of revision {}.\nThe store's cloud, at revision {}, becomes "
      "that one: {} written, {} removed.\n",
      path, cell_of(kept.at("objects")), cell_of(kept.at("revision")),
      cell_of(answer.at("revision")), cell_of(answer.at("put")), cell_of(answer.at("removed")));
}

int restore(const Options& options) {
  const std::string path =
      std::filesystem::absolute(options.arguments[1]).lexically_normal().string();
  const auto plan = ask_restore(options, path, /*is_dry=*/true).and_then([&](const Json& answer) {
    return read_answer(answer, [&](const Json& json) { return plan_of(json, path); });
  });
  if (!plan) return tell(plan.error());
  print(*plan);
  std::fflush(stdout);
  if (options.dry_run) return kDone;
  if (!options.yes && !agrees("Replace the store's cloud?")) return kFailed;
  const auto done = ask_restore(options, path, /*is_dry=*/false).and_then([](const Json& answer) {
    return read_answer(answer, [](const Json& json) { return cell_of(json.at("revision")); });
  });
  if (!done) return tell(done.error());
  print(fmt::format("restored: revision {}\n", *done));
  return kDone;
}

struct Act {
  std::string_view name;
  bool takes_file;
  int (*run)(const Options&);
};
constexpr Act kActsOfStore[] = {{"status", false, show_status}, {"init", false, init},
                                {"check", false, check_store},  {"accept", false, accept},
                                {"backup", true, back_up},      {"restore", true, restore}};

std::vector<std::string> names_of_acts() {
  std::vector<std::string> names;
  for (const Act& act : kActsOfStore) names.emplace_back(act.name);
  return names;
}

}  // namespace

int store(const Options& options) {
  const std::string& name = options.arguments.front();
  const bool has_file = options.arguments.size() > 1;
  const auto* act = std::ranges::find(kActsOfStore, name, &Act::name);
  if (act == std::end(kActsOfStore)) {
    const auto names = names_of_acts();
    return misused(fmt::format("store knows {}, not '{}'{}", fmt::join(names, ", "), name,
                               cli::did_you_mean(name, names)));
  }
  if (act->takes_file && !has_file) {
    return misused(fmt::format("store {0} needs a file: novaplane store {0} FILE", name));
  }
  if (has_file && !act->takes_file) {
    return misused(fmt::format("store {} does not take '{}'", name, options.arguments[1]));
  }
  if (name != "restore" && (options.yes || options.dry_run)) {
    return misused(
        fmt::format("--yes and --dry-run are options of store restore, not of store {}", name));
  }
  return act->run(options);
}

}  // namespace novaplane::tools
