#include <fmt/format.h>

#include "dataplane/base/words.h"
#include "dataplane/daemon/daemon.h"
#include "dataplane/daemon/log.h"

/// Where the cloud comes from: a document in a file, or a store.
namespace novaplane::daemon {

Result<void> Daemon::open_store() {
  if (options_.store.empty()) return {};
  auto opened = CloudStore::open(
      loop_, {options_.store, options_.host, options_.replica},
      {[this](cloud::Edit edit, store::Revision at) { take_cloud(std::move(edit), at); },
       [this](const std::string& words) { on_store_trouble(words); }});
  if (!opened) return tl::unexpected(opened.error());
  store_ = std::move(*opened);
  return {};
}

/// They are called by the loop of clients, and ask the store's thread.
void Daemon::add_store_handlers(Control::Handlers& handlers) {
  const auto reply_of = [](api::Reply reply) {
    return Control::Reply{reply.status,
                          std::move(reply.body),
                          std::move(reply.content_type),
                          {reply.headers.begin(), reply.headers.end()}};
  };
  handlers.api = [this, reply_of](api::Request request, const Control::Answer& answer) {
    store_->ask(std::move(request),
                {[answer, reply_of](api::Reply reply) { answer(reply_of(std::move(reply))); },
                 [answer] { return answer.is_awaited(); }});
  };
  handlers.news = [this, reply_of](const api::WatchRequest& request, bool waits,
                                   const Control::Answer& answer) {
    const auto give = [answer, reply_of](CloudStore::News news) {
      if (news.refusal) return answer(reply_of(std::move(*news.refusal)));
      answer({.body = std::move(news.text), .next = news.revision});
    };
    store_->await_news(request, waits, {give, [answer] { return answer.is_awaited(); }});
  };
}

/// Without a store nobody could say that a guest has moved: the next document does.
void Daemon::watch_migrations() {
  migration_watch_ = std::make_unique<MigrationWatch>(
      loop_, *node_,
      MigrationWatch::Listener{[this] { loop_.post("pass", [this] { reconciler_->act_now(); }); },
                               [this](const std::string& port, const std::string& host) {
                                 store_->complete_move(port, host);
                               }});
}

const std::string& Daemon::document_name() const {
  return options_.store.empty() ? document_.path() : options_.store;
}

const std::string& Daemon::document_error() const {
  return options_.store.empty() ? document_.error() : store_trouble_;
}

void Daemon::begin_to_follow() {
  if (store_) return store_->start();
  read_document([this] {
    if (!wanted_) tell_manager(/*ready=*/true);  // what can be done, is: it waits for a document
  });
}

void Daemon::take_cloud(cloud::Edit edit, store::Revision revision) {
  const cloud::Cloud& cloud = *edit.after;
  const auto line = lines_.admit(
      fmt::format("revision {}: {}, {}, {}", revision, count(cloud.networks.size(), "network"),
                  count(cloud.ports.size(), "port"),
                  count(cloud.floating_ips.size(), "floating IP")),
      LineBudget::Clock::now());
  if (line) log::info("{}", *line);
  want_own(std::move(edit), Reconciler::Source::store);
  wanted_revision_ = revision;
  wanted_since_ = reconciler_->new_request();
  store_->taken();
}

/// The last good cloud stays in force.
void Daemon::on_store_trouble(const std::string& words) {
  store_trouble_ = words;
  if (words.empty()) {
    log::info("the store's cloud is in force from now on");
  } else {
    log::error("{}; {}", words,
               wanted_ ? "the last good cloud stays in force" : "nothing is touched until then");
  }
  tell_manager(/*ready=*/!wanted_ && !ready_);
}

}  // namespace novaplane::daemon
