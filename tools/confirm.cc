#include <fmt/format.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "dataplane/base/files.h"
#include "dataplane/cloud/document.h"
#include "dataplane/node/run_dir.h"
#include "dataplane/node/trial.h"
#include "tools/apply.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/duration.h"
#include "tools/rollback_timer.h"
#include "tools/session.h"
#include "tools/terminal.h"
#include "tools/writer.h"

/// `up --confirm` and `confirm`: a document on trial.
namespace novaplane::tools {
namespace {

/// For how long after a change of the daemon's own file its former text may be asked back.
constexpr std::chrono::minutes kJustNow{5};

std::string absolute(const std::string& path) {
  return std::filesystem::absolute(path).lexically_normal();
}

bool is_from_just_now(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 &&
         ::time(nullptr) - status.st_mtime < std::chrono::seconds(kJustNow).count();
}

/// What comes back unless the new text is confirmed. Beside a daemon that has read the new text
/// from its own file already: what it had before.
Result<std::optional<std::string>> text_to_bring_back(const RollbackSettings& settings) {
  const node::TrialFiles files(settings.options.run_dir);
  const auto confirmed = read_whole(files.confirmed);
  if (settings.followed.empty() || settings.followed != settings.file) {
    return confirmed ? std::optional(*confirmed) : std::nullopt;
  }
  if (confirmed && *confirmed != settings.text) return std::optional(*confirmed);
  const auto previous = read_whole(files.previous);
  if (previous && is_from_just_now(files.confirmed)) {
    if (auto kept = files.confirm(*previous); !kept) return tl::unexpected(kept.error());
    return std::optional(*previous);
  }
  return failure(
      fmt::format("{} is in force already: there is nothing to put on trial", settings.file));
}

/// A rollback timer that could not bring it back would be of no use.
Result<void> can_be_brought_back(const std::optional<std::string>& text,
                                 const RollbackSettings& settings) {
  if (!text) return {};
  const auto cloud = cloud::parse(*text, node::TrialFiles(settings.options.run_dir).confirmed);
  return cloud ? Result<void>()
               : failure("bring back what was confirmed last", cloud.error().front().message());
}

Result<Report> bring_up(cloud::Cloud cloud, const Writer& writer,
                        const RollbackSettings& settings) {
  if (writer.lock) return apply(std::move(cloud), settings.options);
  return let_daemon_pass(writer.daemon, settings.options, "/trial");
}

/// What the rollback timer and the daemon need, in files and in `settings`.
Result<void> prepare(RollbackSettings& settings) {
  auto before = text_to_bring_back(settings);
  if (!before) return tl::unexpected(before.error());
  if (auto can = can_be_brought_back(*before, settings); !can) return can;
  settings.confirmed = std::move(*before);
  const node::TrialFiles files(settings.options.run_dir);
  auto kept = make_directories(settings.options.run_dir);
  if (kept) kept = write_durably(files.on_trial, settings.text, 0600);
  if (!kept)
    return failure("put nothing on trial, since it cannot be kept", kept.error().message());
  ::unlink(files.rolled_back.c_str());
  return {};
}

/// Who has the seat has the files of a trial: nothing is written before.
Result<void> set_rollback_timer(RollbackSettings& settings) {
  const auto seat = node::RollbackTimerSocket::take();
  if (!seat) return tl::unexpected(seat.error());
  auto started = prepare(settings);
  if (started) started = start_rollback_timer(*seat, settings);
  if (!started) node::RollbackTimerSocket::remove_names();
  return started;
}

Result<Report> try_out(cloud::Cloud cloud, RollbackSettings settings) {
  if (auto root = require_root(settings.options); !root) return tl::unexpected(root.error());
  if (auto sentence = node::trial_sentence(); !sentence.empty()) return failure(sentence);
  const auto writer = become_writer(settings.options);
  if (!writer) return tl::unexpected(writer.error());
  if (!writer->lock) settings.followed = writer->daemon.document;
  if (!writer->lock && is_same_file(settings.file, settings.followed))
    settings.file = settings.followed;
  if (auto seated = set_rollback_timer(settings); !seated) return tl::unexpected(seated.error());
  auto report = bring_up(std::move(cloud), *writer, settings);
  const bool is_refused = !writer->lock && report && !report->error.empty();
  if (!report || is_refused) (void)node::ask_rollback_timer('r');
  return report;
}

std::string how_long_ago(long seconds) {
  const auto past = static_cast<std::size_t>(std::max<long>(seconds, 0));
  return past < 120 ? count(past, "second") + " ago" : count(past / 60, "minute") + " ago";
}

/// Why there is nothing to confirm.
std::string too_late(const Options& options) {
  const auto text = read_whole(node::TrialFiles(options.run_dir).rolled_back);
  std::istringstream lines(text.value_or(""));
  long when = 0;
  std::string file, outcome;
  if (!text || !(lines >> when) || !std::getline(lines >> std::ws, file)) {
    return "nothing is on trial: there is nothing to confirm";
  }
  std::getline(lines, outcome);
  const auto ago = how_long_ago(static_cast<long>(::time(nullptr)) - when);
  if (outcome != "ok") {
    return fmt::format("too late: {} was not confirmed; bringing back what was before began {}{}",
                       file, ago, outcome.empty() ? "" : " and failed: " + outcome);
  }
  return fmt::format("too late: {} was not confirmed, and what was before came back {}", file, ago);
}

}  // namespace

int up_on_trial(const Options& options) {
  const auto time = time_from(options.confirm);
  if (!time) {
    complain(fmt::format("--confirm {}: say 30s, 5m or 1h (at most a day)", options.confirm));
    return kUsage;
  }
  auto cloud = document_for(options);
  if (!cloud) return kFailed;
  const auto text = read_whole(options.arguments.front());
  if (!text) {
    complain(text.error().message());
    return kFailed;
  }
  RollbackSettings settings{options, absolute(options.arguments.front()), *text, {}, *time, {}};
  settings.options.run_dir = absolute(options.run_dir);
  const auto report = try_out(std::move(*cloud), std::move(settings));
  if (!report) {
    complain(report.error().message());
    return kFailed;
  }
  const int status = deliver(*report, options.json, options.verbose);
  complain(node::trial_sentence());
  return status;
}

int confirm(const Options& options) {
  if (auto root = require_root(options); !root) {
    complain(root.error().message());
    return kFailed;
  }
  const auto answer = node::ask_rollback_timer('c');
  std::istringstream words(answer.value_or(""));
  std::string word, rest;
  words >> word;
  if (word == "kept") {
    long long left = 0;
    words >> left;
    std::getline(words >> std::ws, rest);
    const auto seconds = static_cast<std::size_t>(std::max<long long>(left, 0) / 1000);
    print(fmt::format("confirmed {}, {} before what was before would have come back\n", rest,
                      count(seconds, "second")));
    const auto kept = read_whole(node::TrialFiles(options.run_dir).confirmed);
    auto words = kept && kept == read_whole(rest) ? "" : node::unwritable(options.run_dir);
    if (!words.empty()) {
      complain("warning: a later trial will not bring it back: " + words);
    }
    return kDone;
  }
  if (word == "error") {
    std::getline(words >> std::ws, rest);
    complain(rest);
  } else {
    complain(too_late(options));
  }
  return kFailed;
}

}  // namespace novaplane::tools
