#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <thread>

#include "dataplane/base/words.h"
#include "tools/cloud/api.h"
#include "tools/cloud/notation.h"
#include "tools/cloud/number.h"
#include "tools/cloud/targets.h"
#include "tools/command.h"
#include "tools/duration.h"
#include "tools/terminal.h"

/// `wait`: until hosts have a change in their kernels.
namespace novaplane::tools {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kFirstPause{10}, kLongestPause{1000};
constexpr std::size_t kMostNames = 5;

/// Who is waited for, as the daemon has told last.
struct Progress {
  std::uint64_t newest = 0;  ///< of the store
  std::vector<std::string> there;
  std::vector<std::string> missing;  ///< sentences: "h2 has 43"
  std::vector<std::string> notes;    ///< what is to be known all the same
};

std::string where_it_is(const std::string& name, const Json& host) {
  const Json revision = value_at(host, "revision");
  std::string text = revision.is_null() ? fmt::format("{} has told nothing yet", name)
                                        : fmt::format("{} has {}", name, cell_of(revision));
  const Json hold = value_at(host, "hold");
  if (hold.is_object()) text += fmt::format(" ({})", cell_of(hold.at("words")));
  return text;
}

void note_failures(const std::string& name, const Json& host, Progress& progress) {
  const Json failing = value_at(host, "failing");
  if (failing.is_null() || failing == 0) return;
  const Json& first = host.at("failures").at(0);
  progress.notes.push_back(fmt::format("{}: {} failing, as {}: {}", name, cell_of(failing),
                                       cell_of(first.at("object")), cell_of(first.at("reason"))));
}

void look_at(const std::string& name, const Json& host, std::uint64_t wanted, Progress& progress) {
  const Json revision = value_at(host, "revision");
  const bool has_it = !revision.is_null() && revision.get<std::uint64_t>() >= wanted;
  if (!host.at("in_cloud").get<bool>()) {
    progress.missing.push_back(fmt::format("the store has no host {}", name));
  } else if (has_it && host.at("alive").get<bool>()) {
    progress.there.push_back(name);
    note_failures(name, host, progress);
  } else if (host.at("alive").get<bool>()) {
    progress.missing.push_back(where_it_is(name, host));
  } else {
    progress.missing.push_back(fmt::format("{} is not alive", name));
  }
}

/// All hosts of the cloud that are alive, or the one that is named.
Progress progress_in(const Json& answer, const std::string& host,
                     std::optional<std::uint64_t> wanted) {
  Progress progress;
  progress.newest = answer.at("revision").get<std::uint64_t>();
  const Json& hosts = answer.at("hosts");
  const std::uint64_t revision = wanted.value_or(progress.newest);
  if (!host.empty()) {
    if (hosts.contains(host)) {
      look_at(host, hosts.at(host), revision, progress);
    } else {
      progress.missing.push_back(fmt::format("the store has no host {}", host));
    }
    return progress;
  }
  for (const auto& [name, status] : hosts.items()) {
    if (!status.at("in_cloud").get<bool>()) continue;
    if (status.at("alive").get<bool>()) {
      look_at(name, status, revision, progress);
    } else {
      progress.notes.push_back(name + " is not alive: it gets the change when it is back");
    }
  }
  if (progress.there.empty() && progress.missing.empty()) {
    progress.missing.emplace_back("no host of the cloud is alive");
    progress.notes.clear();
  }
  return progress;
}

int done(std::uint64_t wanted, const Progress& progress) {
  for (const std::string& note : progress.notes) complain(note);
  print(fmt::format("revision {} is in the kernel of {}\n", wanted,
                    first_of(progress.there, kMostNames)));
  return kDone;
}

int too_late(std::uint64_t wanted, const Progress& progress, const std::string& timeout) {
  std::string text;
  for (std::size_t i = 0; i < std::min(progress.missing.size(), kMostNames); ++i) {
    text += (text.empty() ? "" : "; ") + progress.missing[i];
  }
  if (progress.missing.size() > kMostNames) {
    text += fmt::format("; and {} more", progress.missing.size() - kMostNames);
  }
  complain(fmt::format("revision {} is not everywhere after {}: {}", wanted, timeout, text));
  return kFailed;
}

/// A store that is away may be back in time.
bool may_pass(const Refused& refused) { return refused.status == 503; }

/// Asks again and again, at longer and longer intervals.
int wait_for(const Options& options, std::optional<std::uint64_t> wanted,
             std::chrono::seconds timeout) {
  const auto end = steady_clock::now() + timeout;
  const std::string words = options.timeout.empty() ? "1m" : options.timeout;
  for (auto pause = kFirstPause;; pause = std::min(2 * pause, kLongestPause)) {
    const auto progress =
        ask_json(options, {"GET", "/v1/status/hosts"}).and_then([&](const Json& answer) {
          return read_answer(
              answer, [&](const Json& json) { return progress_in(json, options.host, wanted); });
        });
    const auto now = steady_clock::now();
    if (!progress && (!may_pass(progress.error()) || now >= end)) return tell(progress.error());
    if (progress && !wanted) wanted = progress->newest;
    if (progress && progress->missing.empty()) return done(*wanted, *progress);
    if (now >= end) return too_late(*wanted, *progress, words);
    std::this_thread::sleep_until(std::min(now + pause, end));
  }
}

}  // namespace

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
