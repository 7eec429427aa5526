#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "dataplane/daemon/control_impl.h"

/// The control API at the control socket: each request is the store's thread's to answer.
namespace novaplane::daemon {

bool is_of_api(beast::string_view target) {
  return target == "/v1" || target.starts_with("/v1/") || target.starts_with("/v1?");
}

namespace {

constexpr std::chrono::seconds kFindName{2};  ///< then the user's number will do

api::Request request_of(const http::request<http::string_body>& request, const Caller& caller) {
  const auto header = [&](http::field field) { return std::string(request[field]); };
  return {.method = std::string(request.method_string()),
          .target = std::string(request.target()),
          .if_match = header(http::field::if_match),
          .if_none_match = header(http::field::if_none_match),
          .content_type = header(http::field::content_type),
          .accept = header(http::field::accept),
          .body = request.body(),
          .by = caller.name};
}

/// A name that is waited for.
struct FoundName {
  explicit FoundName(asio::io_context& context) : timer(context, kFindName) {}
  asio::steady_timer timer;
  std::string name;
};

}  // namespace

/// Of a user of this host.
asio::awaitable<void> Control::Impl::find_name(std::shared_ptr<Impl> impl,
                                               std::shared_ptr<Client> client) {
  if (!client->caller.name.empty()) co_return;
  const auto found = std::make_shared<FoundName>(impl->context);
  impl->accounts->find_name(client->caller.user,
                            [weak = std::weak_ptr(found)](const std::string& name) {
                              const auto waiting = weak.lock();
                              if (!waiting) return;
                              waiting->name = name;
                              waiting->timer.cancel();
                            });
  error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  co_await found->timer.async_wait(token);
  if (found->name.empty()) found->name = std::to_string(client->caller.user);
  client->caller.name = found->name + '@' + impl->settings.host;
}

/// What the store's thread is asked has deadlines of its own.
asio::awaitable<Control::Impl::Given> Control::Impl::of_api(std::shared_ptr<Impl> impl,
                                                            std::shared_ptr<Client> client) {
  api::Request request = request_of(client->parser.get(), client->caller);
  if (const auto followed = api::watch_of(request)) {
    client->place = client->place_of(impl->watches);
    if (!client->place) co_return busy_reply(client->caller, "watches");
    Given refused = co_await watch(impl, client, *followed);
    co_return refused;
  }
  const auto gate = std::make_shared<Answer::Gate>(impl->context);
  gate->timer.expires_after(kLongestAnswer);
  impl->handlers.api(std::move(request), Answer(gate));
  Given reply = co_await awaited(gate, client->stream.socket());
  if (!reply && !gate->has_gone) {
    reply =
        error_reply(http::status::service_unavailable, "the store did not answer within a minute");
  }
  co_return reply;
}

asio::awaitable<Control::Impl::Given> Control::Impl::of_news(std::shared_ptr<Impl> impl,
                                                             Local::socket& socket,
                                                             api::WatchRequest request,
                                                             bool waits) {
  const auto gate = std::make_shared<Answer::Gate>(impl->context);
  gate->timer.expires_after(kLongestAnswer);
  impl->handlers.news(request, waits, Answer(gate));
  Given reply = co_await awaited(gate, socket);
  co_return reply;
}

/// Lines as they come, in chunks, until the client hangs up. A reply: the watch is refused.
asio::awaitable<Control::Impl::Given> Control::Impl::watch(std::shared_ptr<Impl> impl,
                                                           std::shared_ptr<Client> client,
                                                           api::WatchRequest request) {
  constexpr unsigned kHttp11 = 11;
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  Stream& stream = client->stream;
  Given news = co_await of_news(impl, stream.socket(), request, /*waits=*/false);
  if (!news || news->status != 200) co_return news;
  http::response<http::empty_body> head(http::status::ok, kHttp11);
  head.set(http::field::content_type, "application/x-ndjson");
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer(head);
  stream.expires_after(time_to_take(0));
  co_await http::async_write_header(stream, serializer, token);
  while (!error && news && news->status == 200) {
    if (!news->body.empty()) {
      const auto chunk = http::make_chunk(asio::buffer(news->body));
      stream.expires_after(time_to_take(news->body.size()));
      co_await asio::async_write(stream, chunk, token);
      if (error) break;
    }
    stream.expires_never();
    request.after = news->next;
    news = co_await of_news(impl, stream.socket(), request, /*waits=*/true);
  }
  co_return std::nullopt;
}

}  // namespace novaplane::daemon
