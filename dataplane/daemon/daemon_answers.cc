#include <unistd.h>

#include "dataplane/daemon/daemon.h"
#include "dataplane/daemon/log.h"
#include "dataplane/node/show_json.h"

/// What the daemon answers at its control socket.
namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kLongestPass{120};

}  // namespace

std::string Daemon::status() const {
  StatusReport report{.pid = ::getpid(),
                      .document = document_.path(),
                      .host = options_.host,
                      .ready = ready_,
                      .document_error = document_.error(),
                      .objects = node_->engine().status()};
  report.converged = wanted_ && reconciler_->is_quiet() && count_failed(report.objects) == 0;
  return to_json(report, engine::Clock::now());
}

std::string Daemon::show() {
  node::Show show = node::show(node_->engine(), options_.run_dir);
  router_watch_->add_verdicts(show);
  role_.add_to(show);
  node::add_health(show, uplinks_->health());
  return node::to_json(show);
}

/// An error's sentence, or nothing.
std::string Daemon::drain(const std::string& uplink, bool drained) {
  return uplinks_->drain(uplink, drained);
}

void Daemon::pass(std::string_view target, Control::Answer answer) {
  std::string error;
  if (target == "/trial") error = begin_trial();
  if (target == "/trial/end") end_trial();
  if (target == "/pass") read_document();
  asked_.emplace_back(loop_);
  Asked& asked = asked_.back();
  asked.answer = std::move(answer);
  asked.report.error = target == "/trial" ? error : document_.error();
  if (!wanted_ || !error.empty()) return answer_all();
  asked.deadline.after(kLongestPass, [this] {
    for (Asked& late : asked_) late.report.error = "still at work after 120 s";
    answer_all();
  });
  reconciler_->pass_now();
}

void Daemon::note_changes(const engine::Plan& plan, const std::vector<Result<void>>& results) {
  if (asked_.empty()) return;
  const nft::Frame& frame = node_->engine().frame();
  for (std::size_t i = 0; i < plan.size(); ++i) {
    if (!results[i]) continue;
    const PassReport::Change change{plan[i].what(frame), plan[i].why()};
    for (Asked& asked : asked_) asked.report.changed.push_back(change);
  }
}

void Daemon::answer_all() {
  std::vector<PassReport::Failure> failures;
  if (!asked_.empty()) {
    for (const auto& [object, status] : node_->engine().status()) {
      if (status.state != engine::State::failed) continue;
      for (const std::string& reason : status.reasons) {
        failures.push_back({object.to_string(), reason});
      }
    }
  }
  for (std::list<Asked> answered = std::exchange(asked_, {}); Asked & asked : answered) {
    asked.report.failures = failures;
    asked.answer(to_json(asked.report));
  }
}

}  // namespace novaplane::daemon
