#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "dataplane/daemon/announcer.h"
#include "dataplane/daemon/change_log.h"
#include "dataplane/daemon/cloud_store.h"
#include "dataplane/daemon/control.h"
#include "dataplane/daemon/document_file.h"
#include "dataplane/daemon/document_watch.h"
#include "dataplane/daemon/drop_watch.h"
#include "dataplane/daemon/gateway_role.h"
#include "dataplane/daemon/known_status.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/migration_watch.h"
#include "dataplane/daemon/options.h"
#include "dataplane/daemon/pass_requests.h"
#include "dataplane/daemon/reconciler.h"
#include "dataplane/daemon/reports.h"
#include "dataplane/daemon/router_watch.h"
#include "dataplane/daemon/signals.h"
#include "dataplane/daemon/silent_watch.h"
#include "dataplane/daemon/uplinks.h"
#include "dataplane/daemon/workers.h"
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
  /// `then`: it has been read, as it stands from now on or later.
  void read_document(Loop::Task then = [] {});
  void read_next();
  void take_document(DocumentFile::Reading reading);
  void want_own(cloud::Edit edit, Reconciler::Source source = Reconciler::Source::document);
  Result<void> open_store();  ///< where there is one
  void begin_to_follow();
  void watch_migrations();
  void add_store_handlers(Control::Handlers& handlers);
  void take_cloud(cloud::Edit edit, store::Revision revision);
  void on_store_trouble(const std::string& words);
  const std::string& document_name() const;   ///< a path, or the words of a store
  const std::string& document_error() const;  ///< why it is not in force as it is; empty: it is
  void on_signal(int number);
  void reload();
  void verify_later();
  void feed_watchdog(std::chrono::microseconds interval);
  void on_exception(const Error& error);
  void on_steps(const Reconciler::StepResults& steps);
  void on_quiet(PassRequests::Ticket began_after);
  void tell_news();
  void tell_manager(bool ready);

  // daemon_files.cc
  Result<void> open_control();
  Control::Settings control_settings() const;
  void follow_confirmed(std::string text);
  void on_unrecorded(const std::vector<std::string>& sentences);
  void keep_files();
  void keep_files_later();

  // daemon_answers.cc
  Control::Handlers handlers();
  StatusReport status_report() const;
  std::string status();
  void show(Control::Answer answer);
  void pass(std::string_view target, Control::Answer answer);
  void report_pass(const Control::Answer& answer, PassReport report);
  void await_pass(const Control::Answer& answer, std::string error, bool is_refused);
  PassRequests::Failures failures() const;

  // daemon_trial.cc
  void begin_trial(std::function<void(std::string)> then);  ///< an error's sentence, or nothing
  std::string want_on_trial(std::variant<cloud::Edit, std::string> document);
  void end_trial(Loop::Task then = [] {});
  bool want_confirmed();  ///< false: there is none
  void watch_trial();
  void on_rollback_timer_exit();

  Options options_;
  Loop loop_;          ///< decides; owns everything but what the others are given
  Loop clients_loop_;  ///< serves the control socket, whatever the other one is at
  DocumentFile document_;
  StatusLog states_;
  LineBudget lines_{LineBudget::Clock::now()};
  GatewayRole role_;
  std::string told_;       ///< to the service manager
  bool on_trial_ = false;  ///< another document than ours is in force, or may be
  Fd rollback_timer_;
  std::unique_ptr<Watch> rollback_timer_exit_;
  bool ready_ = false, wanted_ = false, news_due_ = false;
  PassRequests requests_{loop_};
  KnownStatus known_;
  std::vector<Loop::Task> readers_;  ///< who waits for the next reading of the document
  bool reading_ = false;

  std::unique_ptr<Signals> signals_;
  std::unique_ptr<node::WriterLock> lock_;
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<Workers> workers_;
  std::unique_ptr<Announcer> announcer_;
  std::unique_ptr<Reconciler> reconciler_;
  std::unique_ptr<SilentWatch> silent_watch_;
  std::unique_ptr<RouterWatch> router_watch_;
  std::unique_ptr<Uplinks> uplinks_;
  std::unique_ptr<DocumentWatch> document_watch_;
  std::unique_ptr<CloudStore> store_;                ///< null: the document is a file
  std::unique_ptr<MigrationWatch> migration_watch_;  ///< where there is a store
  std::string store_trouble_;
  store::Revision wanted_revision_ = 0;
  PassRequests::Ticket wanted_since_{};
  std::unique_ptr<Control> control_;
  std::thread clients_;
  std::unique_ptr<Worker> documents_, checks_;  ///< documents in and reports out; others' tables
  std::unique_ptr<DropWatch> drop_watch_;
  std::optional<std::string> unconfirmed_;  ///< a document that could not be written
  bool is_all_recorded_ = true;             ///< what was found before we changed it
  Timer verify_, watchdog_, news_, keep_;
};

}  // namespace novaplane::daemon
