#include <unistd.h>

#include "dataplane/daemon/daemon.h"
#include "dataplane/node/show_json.h"
#include "dataplane/node/warnings.h"

/// What the daemon answers at its control socket.
namespace novaplane::daemon {
namespace {

constexpr unsigned kConflict = 409, kInternalError = 500;  // of HTTP

}  // namespace

Control::Handlers Daemon::handlers() {
  using Answer = Control::Answer;
  Control::Handlers handlers{
      .status = [this](Answer answer) { answer({.body = status()}); },
      .show = [this](Answer answer) { show(std::move(answer)); },
      .uplinks = [this](Answer answer) { answer({.body = node::to_json(uplinks_->health())}); },
      .pass = [this](std::string_view target, Answer answer) { pass(target, std::move(answer)); },
      .drain =
          [this](const std::string& uplink, bool drained, Answer answer) {
            constexpr unsigned kConflict = 409;
            const std::string error = uplinks_->drain(uplink, drained);
            if (error.empty()) return answer({.body = "{}\n"});
            answer({kConflict, error_json(error)});
          },
      .known_status = [this] { return known_.json(); }};
  if (store_) add_store_handlers(handlers);
  return handlers;
}

StatusReport Daemon::status_report() const {
  return {.pid = ::getpid(),
          .document = document_name(),
          .host = options_.host,
          .ready = ready_,
          .document_error = document_error(),
          .loop = loop_.statistics()};
}

std::string Daemon::status() {
  StatusReport report = status_report();
  const Objects objects = node_->engine().status();
  report.converged = wanted_ && reconciler_->is_quiet() && count_failed(objects) == 0;
  return known_.tell(std::move(report), objects);
}

/// Others' tables may be large: a worker looks into them.
void Daemon::show(Control::Answer answer) {
  node::Show show = node::show_rows(node_->engine(), options_.run_dir);
  router_watch_->add_statuses(show);
  role_.add_to(show);
  node::add_health(show, uplinks_->health());
  checks_->run(
      "show",
      [show = std::move(show),
       checks = node::checks_of(node_->engine(), options_.run_dir)]() mutable {
        node::add_warnings(show, checks);
        return node::to_json(show);
      },
      [answer](Result<std::string> json) {
        if (!json) return answer({kInternalError, error_json(json.error().message())});
        answer({.body = std::move(*json)});
      });
}

/// What fails now.
PassRequests::Failures Daemon::failures() const {
  PassRequests::Failures failures;
  for (const auto& [object, status] : node_->engine().status()) {
    if (status.state != engine::ObjectState::failed) continue;
    for (const std::string& reason : status.reasons) {
      failures.push_back({object.to_string(), reason});
    }
  }
  return failures;
}

void Daemon::pass(std::string_view target, Control::Answer answer) {
  if (target == "/trial" && !options_.store.empty()) {
    return await_pass(answer, "novaplaned follows a store: say `novaplane apply` instead", true);
  }
  if (target == "/trial") {
    return begin_trial([this, answer](std::string error) {
      const bool is_refused = !error.empty();
      await_pass(answer, std::move(error), is_refused);
    });
  }
  const auto await = [this, answer] { await_pass(answer, document_error(), !wanted_); };
  if (target == "/trial/end") return end_trial(await);
  read_document(await);
}

/// What was done may be thousands of lines: a worker writes them.
void Daemon::report_pass(const Control::Answer& answer, PassReport report) {
  documents_->run(
      "report a pass", [report = std::move(report)] { return to_json(report); },
      [answer](Result<std::string> json) {
        if (!json) return answer({kInternalError, error_json(json.error().message())});
        answer({.body = std::move(*json)});
      });
}

/// A request whose document is no good has a pass of the last good one, and the error. It concerns
/// no other request.
void Daemon::await_pass(const Control::Answer& answer, std::string error, bool is_refused) {
  if (is_refused) {
    PassReport report;
    report.error = std::move(error);
    return report_pass(answer, std::move(report));
  }
  PassRequests::Client client{
      [this, answer](PassReport report) { report_pass(answer, std::move(report)); },
      [answer] { return answer.is_awaited(); }};
  requests_.add(reconciler_->new_request(), std::move(client), std::move(error));
  reconciler_->pass_now();
}

}  // namespace novaplane::daemon
