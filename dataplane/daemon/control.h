#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dataplane/api/api.h"
#include "dataplane/base/error.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/daemon/tls_clients.h"

namespace novaplane::daemon {

/// HTTP over the Unix socket <run-dir>/control.sock, for root and two groups (access.h), and over
/// TLS where it is wanted; bodies are JSON.
///
///     GET /status   how the daemon and the objects of the document fare
///     GET /show     what `novaplane show --json` prints
///     GET /uplinks  how uplinks fare (node/uplink_rows.h)
///     POST /uplinks/NAME/drain, /uplinks/NAME/undrain
///                   takes an uplink out of use, or back
///     POST /trial   the same with <run-dir>/trial.yaml in force until the trial ends
///     (node/trial.h) POST /trial/end
///                   the same with the document again, as it is now
///     POST /pass    reads the document again, passes until nothing more can be done, and tells
///                   what was changed
///     /v1/...       the control API (docs/api.md), where the cloud is in a store
///
/// One request for each connection, small and soon; who is slower is hung up on. A client that
/// hangs up gives its place free at once. Nobody can take the places of all others (places.h);
/// watches have places of their own.
///
/// Clients are served on a loop of their own: what is asked is asked of the loop that decides, and
/// while that one is at work others are answered.
class Control {
 public:
  struct Reply {
    unsigned status = 200;  ///< of HTTP
    std::string body = {};
    std::string content_type = "application/json";
    std::vector<std::pair<std::string, std::string>> headers = {};
    std::uint64_t next = 0;  ///< of news: the revision after which to go on
  };
  /// Where the reply to one request goes, once and from any thread. Copies are the same; when the
  /// last one is gone without a reply, that is an error which the client hears of.
  class Answer {
   public:
    void operator()(Reply reply) const;
    bool is_awaited() const;  ///< false: who asked has gone, or was told that it took too long

   private:
    friend class Control;
    struct Gate;
    struct Promise;
    explicit Answer(const std::shared_ptr<Gate>& gate);
    std::shared_ptr<Promise> promise_;
  };
  /// Called by the loop that decides, but for `known_status`.
  struct Handlers {
    std::function<void(Answer)> status, show, uplinks;
    /// "/pass", "/trial" or "/trial/end"
    std::function<void(std::string_view target, Answer)> pass;
    std::function<void(const std::string& uplink, bool drained, Answer)> drain;
    /// Below /v1, by the loop of clients; null: there is no store.
    std::function<void(api::Request, Answer)> api = {};
    /// The same of GET /v1/watch: lines of what came after the revision (of none: after now), at
    /// once or when there is something, or none after a while.
    std::function<void(api::WatchRequest, bool waits, Answer)> news = {};
    /// What was known last, while the deciding loop is at work. Called by the loop of clients.
    std::function<std::string()> known_status;
  };

  struct Settings {
    std::string run_dir;
    std::string host;  ///< of users' names in the history: "alice@h1"
    TlsClients::Settings tls = {};
    /// What goes wrong from now on, in a sentence; called by the loop of clients.
    std::function<void(const std::string&)> warn = [](const std::string&) {};
  };
  /// `clients` serves, `decides` is asked; either may run already. EADDRINUSE when another daemon
  /// answers there. Groups are let in a moment later, and from when there are such.
  static Result<std::unique_ptr<Control>> open(Loop& clients, Loop& decides, Settings settings,
                                               Handlers handlers);
  Control(const Control&) = delete;
  /// Both loops have ended.
  ~Control();

  /// Looks for the groups at once, as it does every ten seconds, and reads certificates again.
  void refresh();

 private:
  struct Impl;
  struct Client;
  explicit Control(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<Impl> impl_;
};

}  // namespace novaplane::daemon
