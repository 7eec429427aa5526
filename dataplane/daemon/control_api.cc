#include <pwd.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "dataplane/base/peer.h"
#include "dataplane/daemon/control_impl.h"

/// The control API at the control socket: each request is the store's thread's to answer.
namespace novaplane::daemon {

bool is_of_api(beast::string_view target) {
  return target == "/v1" || target.starts_with("/v1/") || target.starts_with("/v1?");
}

namespace {

std::string name_of_peer(Local::socket& socket) {
  const auto peer = peer_of(socket.native_handle());
  if (!peer) return "somebody";
  const passwd* user = ::getpwuid(peer->uid);
  return user ? user->pw_name : std::to_string(peer->uid);
}

}  // namespace

api::Request request_of(const http::request<http::string_body>& request, Local::socket& socket) {
  const auto header = [&](http::field field) { return std::string(request[field]); };
  return {.method = std::string(request.method_string()),
          .target = std::string(request.target()),
          .if_match = header(http::field::if_match),
          .if_none_match = header(http::field::if_none_match),
          .content_type = header(http::field::content_type),
          .accept = header(http::field::accept),
          .body = request.body(),
          .by = name_of_peer(socket)};
}

/// What the store's thread is asked has deadlines of its own.
asio::awaitable<std::optional<Control::Reply>> Control::Impl::of_api(std::shared_ptr<Impl> impl,
                                                                     Local::socket& socket,
                                                                     api::Request request) {
  const auto gate = std::make_shared<Answer::Gate>(impl->context);
  gate->timer.expires_after(kLongestAnswer);
  impl->handlers.api(std::move(request), Answer(gate));
  std::optional<Reply> reply = co_await awaited(gate, socket);
  if (!reply && !gate->has_gone) {
    reply =
        error_reply(http::status::service_unavailable, "the store did not answer within a minute");
  }
  co_return reply;
}

asio::awaitable<std::optional<Control::Reply>> Control::Impl::of_news(std::shared_ptr<Impl> impl,
                                                                      Local::socket& socket,
                                                                      api::WatchRequest request,
                                                                      bool waits) {
  const auto gate = std::make_shared<Answer::Gate>(impl->context);
  gate->timer.expires_after(kLongestAnswer);
  impl->handlers.news(request, waits, Answer(gate));
  std::optional<Reply> reply = co_await awaited(gate, socket);
  co_return reply;
}

/// Lines as they come, in chunks, until the client hangs up. A reply: the watch is refused.
asio::awaitable<std::optional<Control::Reply>> Control::Impl::watch(std::shared_ptr<Impl> impl,
                                                                    Stream& stream,
                                                                    api::WatchRequest request) {
  constexpr unsigned kHttp11 = 11;
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  std::optional<Reply> news = co_await of_news(impl, stream.socket(), request, /*waits=*/false);
  if (!news || news->status != 200) co_return news;
  http::response<http::empty_body> head(http::status::ok, kHttp11);
  head.set(http::field::content_type, "application/x-ndjson");
  head.chunked(true);
  http::response_serializer<http::empty_body> serializer(head);
  stream.expires_after(kTimeToTake);
  co_await http::async_write_header(stream, serializer, token);
  while (!error && news && news->status == 200) {
    if (!news->body.empty()) {
      const auto chunk = http::make_chunk(asio::buffer(news->body));
      stream.expires_after(kTimeToTake);
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
