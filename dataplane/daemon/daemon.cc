#include "dataplane/daemon/daemon.h"

#include <fmt/format.h>
#include <pthread.h>

#include <csignal>

#include "dataplane/base/printable.h"
#include "dataplane/base/words.h"
#include "dataplane/daemon/log.h"
#include "dataplane/daemon/notify.h"
#include "dataplane/node/spoiled_files.h"

namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kVerifyEvery{60};
constexpr std::size_t kMostMistakesLogged = 20;
constexpr std::chrono::milliseconds kCalmOfNics{100};  ///< a DHCP client is done with its NIC
/// A link that goes is known by an error before its event comes: what does not last is no news.
constexpr std::chrono::milliseconds kNewsLast{100};

void log_mistakes(const std::vector<std::string>& mistakes) {
  for (std::size_t i = 0; i < std::min(mistakes.size(), kMostMistakesLogged); ++i) {
    log::error("{}", mistakes[i]);
  }
  if (mistakes.size() > kMostMistakesLogged) {
    log::error("and {}", count(mistakes.size() - kMostMistakesLogged, "more mistake"));
  }
}

}  // namespace

Daemon::Daemon(Options options)
    : options_(std::move(options)),
      document_(options_.document, options_.host),
      verify_(loop_, "verify"),
      watchdog_(loop_, "watchdog"),
      news_(loop_, "tell news"),
      keep_(loop_, "keep files") {
  known_.tell(status_report(), {});
}

Result<std::unique_ptr<Daemon>> Daemon::open(Options options) {
  std::unique_ptr<Daemon> daemon(new Daemon(std::move(options)));
  if (auto opened = daemon->open(); !opened) return tl::unexpected(opened.error());
  return daemon;
}

/// In an order in which nothing is heard or locked for nothing.
Result<void> Daemon::open() {
  const auto keep = [](auto& member, auto opened) -> Result<void> {
    if (!opened) return tl::unexpected(opened.error());
    member = std::move(*opened);
    return {};
  };
  // A daemon that was killed a moment ago may still be on its way out.
  constexpr std::chrono::seconds kPatience{2};
  auto lock = node::WriterLock::take_before(std::chrono::steady_clock::now() + kPatience);
  if (!lock) return tl::unexpected(lock.error());
  lock_ = std::make_unique<node::WriterLock>(std::move(*lock));
  auto opened = keep(signals_, Signals::open(loop_, [this](int number) { on_signal(number); }));
  if (opened) opened = open_store();
  if (opened) opened = open_control();
  if (opened) opened = keep(node_, node::Node::open(options_.host, options_.run_dir));
  if (!opened) return opened;
  node_->engine().await_calm(kCalmOfNics);
  documents_ = std::make_unique<Worker>(loop_, "np-documents");
  checks_ = std::make_unique<Worker>(loop_, "np-checks");
  opened = keep(workers_, Workers::open(loop_, options_.run_dir));
  if (opened) opened = node_->set_own_senders(workers_->senders());
  if (opened) opened = keep(announcer_, Announcer::open(loop_));
  if (!opened) return opened;
  loop_.on_exception([this](const Error& error) { on_exception(error); });
  clients_loop_.on_exception(
      [](const Error& error) { log::error("a task ended by an exception: {}", error.message()); });
  reconciler_ = std::make_unique<Reconciler>(
      loop_, *node_, *workers_, *announcer_,
      Reconciler::Listener{[this](const Reconciler::StepResults& steps) { on_steps(steps); },
                           [this](PassRequests::Ticket ticket) { on_quiet(ticket); },
                           [this](const auto& sentences) { on_unrecorded(sentences); }});
  opened = keep(silent_watch_, SilentWatch::open(loop_, *node_, [this](const auto& changed) {
                  reconciler_->resync(changed);
                }));
  if (!opened) return opened;
  drop_watch_ = std::make_unique<DropWatch>(loop_, *node_, *checks_);
  opened = keep(router_watch_, RouterWatch::open(loop_, *node_, options_.run_dir,
                                                 [this] { reconciler_->act_now(); }));
  if (!opened) return opened;
  opened =
      keep(uplinks_,
           Uplinks::open(
               loop_, options_.run_dir,
               {[this](auto statuses) { reconciler_->set_uplink_statuses(std::move(statuses)); },
                [this](auto flows) { reconciler_->forget(std::move(flows)); }}));
  if (!opened) return opened;
  node_->engine().set_uplink_statuses(uplinks_->statuses());
  reconciler_->wait_while([this] { return uplinks_->is_deciding(); });
  if (store_) {
    watch_migrations();
    return {};
  }
  document_watch_ =
      std::make_unique<DocumentWatch>(loop_, document_.path(), [this] { read_document(); });
  return document_watch_->start();
}

void Daemon::run() {
  log::info("host {}, {} {}", options_.host, options_.store.empty() ? "document" : "store",
            document_name());
  for (const std::string& sentence : node::spoiled_files(options_.run_dir)) {
    log::warning("{}", sentence);
  }
  if (const auto interval = watchdog_interval()) feed_watchdog(*interval);
  verify_later();
  keep_files_later();
  reconciler_->start();
  watch_trial();
  begin_to_follow();
  clients_ = std::thread([this] {
    ::pthread_setname_np(::pthread_self(), "np-clients");
    clients_loop_.run();
  });
  loop_.run();
  clients_loop_.stop();
  clients_.join();
}

/// The task is over; its kind of failure is nobody's plan, so all that it may have left is looked
/// at again.
void Daemon::on_exception(const Error& error) {
  log::error("a task ended by an exception: {}; everything is observed again", error.message());
  reconciler_->recover();
}

// --- what is wanted

/// A worker reads and parses; what is asked for meanwhile is read after it, so that nobody gets an
/// older text than that of the time of the question.
void Daemon::read_document(Loop::Task then) {
  if (on_trial_ || !options_.store.empty()) return then();  // read when the trial is over
  readers_.push_back(std::move(then));
  if (!reading_) read_next();
}

void Daemon::read_next() {
  reading_ = true;
  documents_->run("read the document", document_.attempt(reconciler_->document()),
                  [this, due = std::exchange(readers_, {})](Result<DocumentFile::Attempt> attempt) {
                    reading_ = false;
                    if (!attempt) log::error("{}", attempt.error().message());
                    if (attempt && !on_trial_) take_document(document_.take(std::move(*attempt)));
                    for (const Loop::Task& then : due) then();
                    if (!readers_.empty() && !reading_) read_next();
                  });
}

/// A document that cannot be used changes nothing: the last good one stays in force.
void Daemon::take_document(DocumentFile::Reading reading) {
  if (auto* edit = std::get_if<cloud::Edit>(&reading)) {
    const cloud::Cloud& cloud = *edit->after;
    log::info("read {}: {}, {}, {}", document_.path(), count(cloud.networks.size(), "network"),
              count(cloud.ports.size(), "port"), count(cloud.floating_ips.size(), "floating IP"));
    want_own(std::move(*edit));
    follow_confirmed(document_.take_text());
  } else if (const auto* broken = std::get_if<DocumentFile::Broken>(&reading)) {
    log_mistakes(broken->mistakes);
    log::error("{}", wanted_ ? "the document is not in force; the last good one stays"
                             : "nothing is touched until there is a good document");
    tell_manager(/*ready=*/false);
  }
}

void Daemon::want_own(cloud::Edit edit, Reconciler::Source source) {
  requests_.supersede();
  wanted_ = true;
  reconciler_->want(std::move(edit), source);
}

void Daemon::on_signal(int number) {
  if (number == SIGHUP) return reload();
  log::info("ending; the data plane stays as it is");
  notify_manager("STOPPING=1");
  reconciler_->stop([this] { loop_.stop(); });
}

void Daemon::reload() {
  log::info("reloading: the document is read and everything observed again");
  notify_reloading();
  keep_files();
  if (control_) control_->refresh();
  document_.forget();
  read_document([this] {
    if (!wanted_) return tell_manager(/*ready=*/true);
    ready_ = false;  // told again when it is done
    reconciler_->resync(Reconciler::Relist::everything);
  });
}

// --- what is done by the clock

void Daemon::verify_later() {
  verify_.after(kVerifyEvery, [this] {
    if (options_.store.empty() && document_.looks_changed()) read_document();
    reconciler_->resync(Reconciler::Relist::silent);
    verify_later();
  });
}

/// Both loops have to turn for it: the one that decides asks, that of clients tells.
void Daemon::feed_watchdog(std::chrono::microseconds interval) {
  clients_loop_.post("watchdog", [] { notify_manager("WATCHDOG=1"); });
  watchdog_.after(interval, [this, interval] { feed_watchdog(interval); });
}

// --- what has happened

void Daemon::on_steps(const Reconciler::StepResults& steps) {
  if (migration_watch_) migration_watch_->follow();
  const engine::Plan& plan = *steps.plan;
  const std::vector<Result<void>>& results = *steps.results;
  const std::string& foreign_change = steps.foreign_change;
  if (requests_.any()) {
    requests_.note({steps.plan, steps.results, node_->engine().shared_ruleset()}, steps.sent_after);
  }
  for (const engine::Step& step : plan) {
    if (!std::holds_alternative<engine::Reannounce>(step.operation)) continue;
    const auto line =
        lines_.admit(fmt::format("{}: {}", step.what(node_->engine().ruleset()), step.why()),
                     LineBudget::Clock::now());
    if (line) log::info("{}", *line);
  }
  if (const std::string counts = summary(plan, results); !counts.empty()) {
    const bool is_repair = !foreign_change.empty();
    const auto line = lines_.admit(
        is_repair ? fmt::format("{}; repaired {}", foreign_change, counts) : "changed " + counts,
        LineBudget::Clock::now());
    if (line && is_repair) log::warning("{}", *line);
    if (line && !is_repair) log::info("{}", *line);
  }
  if (!log::is_enabled(log::Level::debug)) return;
  const nft::Ruleset& ruleset = node_->engine().ruleset();
  for (std::size_t i = 0; i < plan.size(); ++i) {
    log::debug("{} ({}){}", plan[i].what(ruleset), plan[i].why(),
               results[i] ? "" : ": " + results[i].error().message());
  }
}

void Daemon::on_quiet(PassRequests::Ticket began_after) {
  router_watch_->follow();
  if (migration_watch_) migration_watch_->follow();
  uplinks_->steer(node_->engine());
  role_.follow(node_->engine().document());
  if (store_ && began_after >= wanted_since_) store_->applied(wanted_revision_, failures());
  if (!ready_) {
    log::info("ready");
    ready_ = true;
    tell_manager(/*ready=*/true);
  }
  if (!std::exchange(news_due_, true)) news_.after(kNewsLast, [this] { tell_news(); });
  if (requests_.any()) requests_.finish(began_after, failures());
}

void Daemon::tell_news() {
  news_due_ = false;
  tell_manager(/*ready=*/false);
  const auto news = states_.news(node_->engine().status());
  if (!news.empty()) status();  // known from now on
  for (const StatusLog::Line& line : shortened(news)) {
    if (line.state == engine::ObjectState::failed) {
      log::error("{}", line.text);
    } else {
      log::info("{}", line.text);
    }
  }
  if (!log::is_enabled(log::Level::debug)) return;
  for (const StatusLog::Line& line : news) log::debug("{}", line.text);
}

void Daemon::tell_manager(bool ready) {
  std::string text = document_error().empty() ? "" : document_error() + "; ";
  if (!wanted_) {
    text += "waiting for a good document";
  } else {
    const auto failed = count_failed(node_->engine().status());
    text += failed == 0 ? "converged" : fmt::format("failing: {}", failed);
  }
  text = printable(text);  // a line of its own would be another assignment
  if (!ready && text == told_) return;
  notify_manager((ready ? "READY=1\nSTATUS=" : "STATUS=") + text);
  told_ = std::move(text);
}

}  // namespace novaplane::daemon
