#pragma once

#include <list>
#include <memory>
#include <string>

#include "dataplane/daemon/announcer.h"
#include "dataplane/daemon/change_log.h"
#include "dataplane/daemon/control.h"
#include "dataplane/daemon/document_file.h"
#include "dataplane/daemon/document_watch.h"
#include "dataplane/daemon/gateway_role.h"
#include "dataplane/daemon/hands.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/options.h"
#include "dataplane/daemon/reconciler.h"
#include "dataplane/daemon/reports.h"
#include "dataplane/daemon/router_watch.h"
#include "dataplane/daemon/signals.h"
#include "dataplane/daemon/silent_watch.h"
#include "dataplane/daemon/uplinks.h"
#include "dataplane/node/writer_lock.h"

namespace novaplane::daemon {

/// novaplaned put together: the document, the pass, those who ask, and those who are told.
class Daemon {
 public:
  /// Changes nothing yet. EADDRINUSE when another process writes in this network namespace.
  static Result<std::unique_ptr<Daemon>> open(Options options);
  Daemon(const Daemon&) = delete;

  /// Until SIGTERM or SIGINT; the data plane stays as it is.
  void run();

 private:
  explicit Daemon(Options options);
  Result<void> open();

  // daemon.cc
  void read_document();
  void want_own(cloud::Cloud cloud);
  void on_signal(int number);
  void reload();
  void verify_later();
  void feed_watchdog(std::chrono::microseconds interval);
  void on_steps(const engine::Plan& plan, const std::vector<Result<void>>& results,
                const std::string& intruder);
  void on_quiet();
  void tell_news();
  void tell_manager(bool ready);

  // daemon_answers.cc
  struct Asked {
    explicit Asked(Loop& loop) : deadline(loop) {}
    PassReport report;
    Control::Answer answer;
    Timer deadline;
  };
  std::string status() const;
  std::string show();
  std::string drain(const std::string& uplink, bool drained);
  void pass(std::string_view target, Control::Answer answer);
  void note_changes(const engine::Plan& plan, const std::vector<Result<void>>& results);
  void answer(Asked& asked);
  void answer_all();

  // daemon_trial.cc
  std::string begin_trial();  ///< an error's sentence, or nothing
  void end_trial();
  void watch_trial();
  void guardian_has_gone();

  Options options_;
  Loop loop_;
  DocumentFile document_;
  StateLog states_;
  LineBudget lines_{LineBudget::Clock::now()};
  GatewayRole role_;
  std::string told_;       ///< to the service manager
  bool on_trial_ = false;  ///< another document than ours is in force, or may be
  Fd guardian_;
  std::unique_ptr<Watch> guardian_end_;
  bool ready_ = false, wanted_ = false, news_due_ = false;
  std::list<Asked> asked_;

  std::unique_ptr<Signals> signals_;
  std::unique_ptr<node::WriterLock> lock_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<Hands> hands_;
  std::unique_ptr<Announcer> announcer_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<SilentWatch> silent_watch_;
  std::unique_ptr<RouterWatch> router_watch_;
  std::unique_ptr<Uplinks> uplinks_;
  std::unique_ptr<DocumentWatch> document_watch_;
  std::unique_ptr<Control> control_;
  Timer verify_, watchdog_, news_;
};

}  // namespace novaplane::daemon
