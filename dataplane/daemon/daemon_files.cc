#include <cerrno>

#include "dataplane/base/files.h"
#include "dataplane/base/words.h"
#include "dataplane/daemon/daemon.h"
#include "dataplane/daemon/log.h"
#include "dataplane/node/trial.h"

/// The run directory may be full or read-only: guests are served all the same, and what belongs
/// there is tried again until it is there.
namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kKeepEvery{10};
constexpr std::size_t kMostLogged = 20;

}  // namespace

Control::Settings Daemon::control_settings() const {
  return {.run_dir = options_.run_dir,
          .host = options_.host,
          .tls = options_.tls,
          .warn = [](const std::string& words) { log::warning("{}", words); }};
}

/// An error: another daemon answers there, or nobody ever could.
Result<void> Daemon::open_control() {
  auto control = Control::open(clients_loop_, loop_, control_settings(), handlers());
  if (control) {
    control_ = std::move(*control);
    return {};
  }
  const int code = control.error().code;
  if (code == EADDRINUSE || code == ENAMETOOLONG) return tl::unexpected(control.error());
  log::warning("{}: nobody can ask novaplaned until this works; it tries again every {} s",
               control.error().message(), kKeepEvery.count());
  return {};
}

/// What a later `up --confirm` brings back. Written by the worker that also reports passes, so that
/// it is there when `up` returns.
void Daemon::follow_confirmed(std::string text) {
  unconfirmed_.reset();
  const auto shared = std::make_shared<const std::string>(std::move(text));
  documents_->run(
      "keep the document",
      [files = node::TrialFiles(options_.run_dir), shared] { return files.follow(*shared); },
      [this, shared](const Result<void>& kept) {
        if (kept) return;
        log::warning("a later `novaplane up --confirm` would not bring back this document: {}",
                     kept.error().message());
        unconfirmed_ = *shared;
      });
}

void Daemon::on_unrecorded(const std::vector<std::string>& sentences) {
  is_all_recorded_ = false;
  for (std::size_t i = 0; i < std::min(sentences.size(), kMostLogged); ++i) {
    log::warning("not recorded: {}", sentences[i]);
  }
  if (sentences.size() > kMostLogged) {
    log::warning("and {}", count(sentences.size() - kMostLogged, "more value"));
  }
}

/// Without a word where it fails: that was said the first time.
void Daemon::keep_files() {
  if (control_ && !unconfirmed_ && is_all_recorded_) return;
  (void)make_directories(options_.run_dir);
  if (!control_) {
    auto control = Control::open(clients_loop_, loop_, control_settings(), handlers());
    if (control) control_ = std::move(*control);
    if (control_) log::info("novaplaned can be asked now, in {}", options_.run_dir);
  }
  if (unconfirmed_ && !on_trial_ && node::TrialFiles(options_.run_dir).follow(*unconfirmed_)) {
    log::info("{} is written now", node::TrialFiles(options_.run_dir).confirmed);
    unconfirmed_.reset();
  }
  if (is_all_recorded_) return;
  workers_->keep_originals([this](const Result<void>& kept) {
    if (!kept || std::exchange(is_all_recorded_, true)) return;
    log::info("what was found before is recorded now in {}", options_.run_dir);
  });
}

void Daemon::keep_files_later() {
  keep_.after(kKeepEvery, [this] {
    keep_files();
    keep_files_later();
  });
}

}  // namespace novaplane::daemon
