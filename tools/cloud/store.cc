#include <fmt/format.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <thread>

#include "dataplane/cli/nearest.h"
#include "tools/cloud/api.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/number.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/duration.h"
#include "tools/terminal.h"

/// `store`, `wait`: the store that novaplaned follows, and how far this host is.
namespace novaplane::tools {
namespace {

using std::chrono::steady_clock;

const std::array<std::string, 3> kActs{"status", "accept", "backup"};
constexpr std::chrono::milliseconds kFirstPause{10}, kLongestPause{1000};

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

// --- wait

struct Progress {
  std::uint64_t newest = 0;   ///< of the store; of the copy where the store is not known
  std::uint64_t applied = 0;  ///< in the kernel
  std::string hold;           ///< why the copy is held
};

Progress progress_in(const Json& status) {
  const Json in_store = value_at(status, "store.revision");
  return {(in_store.is_null() ? status.at("revision") : in_store).get<std::uint64_t>(),
          status.at("applied").get<std::uint64_t>(), cell_of(value_at(status, "hold.words"))};
}

tl::expected<Progress, Refused> ask_progress(const Options& options) {
  return ask_json(options, {"GET", "/v1/status"}).and_then([](const Json& status) {
    return read_answer(status, progress_in);
  });
}

int too_late(std::uint64_t wanted, const Progress& progress, const std::string& timeout) {
  complain(fmt::format("revision {} is not in this host's kernel after {}: it has {}{}{}", wanted,
                       timeout, progress.applied, progress.hold.empty() ? "" : "; ",
                       progress.hold));
  return kFailed;
}

/// Asks again and again, at longer and longer intervals.
int wait_for(const Options& options, std::optional<std::uint64_t> wanted,
             std::chrono::seconds timeout) {
  const auto end = steady_clock::now() + timeout;
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const auto progress = ask_progress(options);
    if (!progress) return tell(progress.error());
    if (!wanted) wanted = progress->newest;
    if (progress->applied >= *wanted) {
      print(fmt::format("revision {} is in this host's kernel\n", progress->applied));
      return kDone;
    }
    const auto now = steady_clock::now();
    if (now >= end) {
      return too_late(*wanted, *progress, options.timeout.empty() ? "1m" : options.timeout);
    }
    std::this_thread::sleep_until(std::min(now + pause, end));
  }
}

}  // namespace

int store(const Options& options) {
  const std::string& act = options.arguments.front();
  const bool has_file = options.arguments.size() > 1;
  if (act == "backup") {
    return has_file ? back_up(options)
                    : misused("store backup needs a file: novaplane store backup FILE");
  }
  if (act != "status" && act != "accept") {
    return misused(fmt::format("store knows status, accept and backup, not '{}'{}", act,
                               cli::did_you_mean(act, kActs)));
  }
  if (has_file) {
    return misused(fmt::format("store {} does not take '{}'", act, options.arguments[1]));
  }
  return act == "status" ? show_status(options) : accept(options);
}

int wait_for_revision(const Options& options) {
  std::optional<std::uint64_t> wanted;
  if (!options.revision.empty()) {
    wanted = number_in(options.revision);
    if (!wanted) return misused(fmt::format("--revision {}: say a number", options.revision));
  }
  const auto timeout = time_from(options.timeout.empty() ? "1m" : options.timeout);
  if (!timeout) {
    return misused(fmt::format("--timeout {}: say 30s, 5m or 1h (at most a day)", options.timeout));
  }
  return wait_for(options, wanted, *timeout);
}

}  // namespace novaplane::tools
