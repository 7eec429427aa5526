#include "dataplane/base/files.h"
#include "dataplane/daemon/daemon.h"
#include "dataplane/daemon/log.h"
#include "dataplane/node/trial.h"

/// A document on trial (`novaplane up --confirm`): it is in force until its rollback timer says
/// that the trial is over, and it is never the last good one. Our own file is not looked at
/// meanwhile.
namespace novaplane::daemon {
namespace {

std::variant<cloud::Edit, std::string> document_at(const std::string& path, const std::string& host,
                                                   const cloud::SharedCloud& in_force) {
  const auto text = read_whole(path);
  if (!text) return text.error().message();
  auto cloud = parse_for(host, *text, path);
  if (!cloud) return std::move(cloud.error().front());
  return cloud::edit_of(in_force, std::move(*cloud));
}

}  // namespace

void Daemon::begin_trial(std::function<void(std::string)> then) {
  const std::string path = node::TrialFiles(options_.run_dir).on_trial;
  documents_->run(
      "read the document on trial",
      [path, host = options_.host, in_force = reconciler_->document()] {
        return document_at(path, host, in_force);
      },
      [this, then = std::move(then)](Result<std::variant<cloud::Edit, std::string>> document) {
        then(document ? want_on_trial(std::move(*document)) : document.error().message());
      });
}

/// An error's sentence, or nothing.
std::string Daemon::want_on_trial(std::variant<cloud::Edit, std::string> document) {
  if (const auto* sentence = std::get_if<std::string>(&document)) return *sentence;
  watch_trial();
  if (!on_trial_) return "nothing is on trial: its rollback timer has gone";
  log::warning("another document is in force on trial");
  want_own(std::get<cloud::Edit>(std::move(document)));
  return {};
}

/// A daemon that starts in the middle of a trial changes nothing before it is over: its own file
/// may be what is on trial.
void Daemon::watch_trial() {
  rollback_timer_exit_.reset();
  rollback_timer_ = node::watch_rollback_timer();
  on_trial_ = static_cast<bool>(rollback_timer_);
  if (!on_trial_) return;
  rollback_timer_exit_ = std::make_unique<Watch>(loop_, rollback_timer_.get());
  rollback_timer_exit_->when_readable([this] { on_rollback_timer_exit(); });
}

/// Our own file again; where that is no good, what was in force before.
void Daemon::end_trial(Loop::Task then) {
  if (!std::exchange(on_trial_, false)) return then();
  log::info("the trial is over");
  rollback_timer_exit_.reset();
  rollback_timer_.reset();
  document_.forget();
  read_document([this, then = std::move(then)] {
    if (!document_.error().empty()) want_confirmed();
    then();
  });
}

bool Daemon::want_confirmed() {
  auto confirmed = document_at(node::TrialFiles(options_.run_dir).confirmed, options_.host,
                               reconciler_->document());
  auto* edit = std::get_if<cloud::Edit>(&confirmed);
  if (edit) want_own(std::move(*edit));
  return edit != nullptr;
}

/// Without a word: it was killed. Nobody has confirmed, so what was confirmed last is in force; our
/// own file counts again with its next change.
void Daemon::on_rollback_timer_exit() {
  if (!on_trial_) return;
  if (!want_confirmed()) return end_trial();
  log::warning("whoever watched over the trial has gone: what was confirmed last is in force");
  on_trial_ = false;
  rollback_timer_.reset();
}

}  // namespace novaplane::daemon
