#pragma once

#include <utility>  // Boost 1.74's Asio uses std::exchange without it

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dataplane/daemon/reconciler.h"
#include "tests/support/deadline.h"
#include "tests/support/scripted_host.h"

namespace novaplane::daemon {

/// A host with a reconciler and its workers, as in the daemon: the test's thread is the loop, and
/// everything stands still between two calls of run_until_quiet().
class ReconciledHost : public test::ScriptedHost {
 protected:
  /// A step that was tried.
  struct Told {
    std::string what, error;  ///< no error: it was done
    bool operator==(const Told&) const = default;
  };

  ReconciledHost() {
    EXPECT_TRUE(node_->set_own_senders(workers_->senders()));
    loop_.on_exception([this](const Error& error) {
      exceptions_.push_back(error.message());
      reconciler_->recover();
    });
    reconciler_.emplace(loop_, *node_, *workers_, *announcer_,
                        Reconciler::Listener{[this](const auto& tried) { note(tried); },
                                             [this](PassRequests::Ticket) { on_quiet(); },
                                             [](const std::vector<std::string>&) {}});
  }

  /// Until nothing more can be done at the moment, and `done` says yes.
  void run_until_quiet(std::function<bool()> done = [] { return true; }) {
    done_ = std::move(done);
    run();
    done_ = {};
  }
  /// As the daemon does when its file says that.
  void want(const std::string& document) {
    reconciler_->want(cloud::edit_of(reconciler_->document(), cloud_of(document)));
  }
  /// Brings the host to the document, and lets the workers come to rest.
  void bring_up(const std::string& document = kDocument) {
    reconciler_->start();
    want(document);
    run_until_quiet([&] { return words_of_a_fresh_one(document).empty(); });
    workers_->forget({}, [this](const Result<void>&) { loop_.stop(); });
    run();
    told_.clear();
  }
  /// How often a step with these words was tried.
  std::size_t times_tried(std::string_view words) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        told_, [&](const Told& told) { return told.what.find(words) != std::string::npos; }));
  }
  std::vector<std::string> errors() const {
    std::vector<std::string> found;
    for (const Told& told : told_)
      if (!told.error.empty()) found.push_back(told.error);
    return found;
  }
  /// What objects have not what they want, with the reasons.
  std::vector<std::string> failures() const {
    std::vector<std::string> lines;
    for (const auto& [object, status] : node_->engine().status())
      for (const std::string& reason : status.reasons)
        lines.push_back(object.to_string() + ": " + reason);
    return lines;
  }

  test::ScriptedKernel kernel_;  // outlives the workers
  Loop loop_;
  std::unique_ptr<node::Node> node_ = node::Node::open("h1", folder_).value();
  std::unique_ptr<Workers> workers_ = Workers::open(loop_, folder_).value();
  std::unique_ptr<Announcer> announcer_ = Announcer::open(loop_).value();
  std::optional<Reconciler> reconciler_;
  std::vector<Told> told_;
  std::vector<std::string> exceptions_;

 private:
  void run() {
    Timer hangs(loop_, "hangs");
    hangs.after(test::kHangs, [this] {
      ADD_FAILURE() << "nothing more happens";
      loop_.stop();
    });
    loop_.context().restart();
    loop_.run();
  }
  void on_quiet() {
    if (done_ && done_()) loop_.stop();
  }
  void note(const auto& tried) {
    for (std::size_t i = 0; i < tried.plan->size(); ++i) {
      const Result<void>& result = (*tried.results)[i];
      told_.push_back({(*tried.plan)[i].what(node_->engine().ruleset()),
                       result ? "" : result.error().message()});
    }
  }

  std::function<bool()> done_;
};

}  // namespace novaplane::daemon
