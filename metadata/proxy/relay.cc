#include "metadata/proxy/relay.h"

#include <fmt/format.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <limits>
#include <optional>

#include "metadata/proxy/headers.h"

/// (GCC 12 destroys some temporaries of a co_await expression twice: all are named here.)
namespace novaplane::metadata {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::size_t kMostHeaderBytes = 8 * 1024, kMostBodyBytes = 64 * 1024;
constexpr std::size_t kPiece = 16 * 1024;
constexpr std::chrono::seconds kTimeToAsk{15}, kTimeToTake{30}, kTimeToConnect{5},
    kTimeToAnswer{60};
constexpr auto kHost = "169.254.169.254";

using Request = http::request<http::string_body>;
using Refusal = http::response<http::string_body>;

Refusal refusal(http::status status, std::string sentence, bool keep_alive) {
  constexpr unsigned kHttp11 = 11;
  Refusal response(status, kHttp11);
  response.set(http::field::content_type, "text/plain");
  response.keep_alive(keep_alive);
  response.body() = std::move(sentence) += '\n';
  response.prepare_payload();
  return response;
}

http::status status_of(const error_code& error) {
  if (error == http::error::header_limit) return http::status::request_header_fields_too_large;
  if (error == http::error::body_limit) return http::status::payload_too_large;
  return http::status::bad_request;
}

/// What no metadata server is asked, or who is no guest.
std::optional<Refusal> refusal_of(const Request& request, const Guest* guest,
                                  const std::string& address) {
  const bool keeps = request.keep_alive();
  if (!guest) {
    return refusal(http::status::not_found,
                   fmt::format("no port that this host serves has the address {}", address), keeps);
  }
  const bool is_path = request.target().starts_with('/');
  if (!is_path || request.method() == http::verb::connect ||
      request.method() == http::verb::trace) {
    return refusal(http::status::bad_request, "ask for a path such as /latest/meta-data/", keeps);
  }
  return std::nullopt;
}

/// As the server gets it.
Request forwarded(Request request, const Guest& guest, const std::string& secret) {
  remove_hop_by_hop(request);
  say_who_asks(request, guest, secret);
  request.set(http::field::host, kHost);
  request.erase(http::field::transfer_encoding);
  request.keep_alive(false);
  request.prepare_payload();
  return request;
}

/// A request's way to the server and its answer's way back.
class Relay {
 public:
  Relay(const Shared& shared, beast::tcp_stream& client)
      : shared_(shared), client_(client), server_(client.get_executor()), answer_(std::in_place) {}

  /// False: the server has not begun to answer; `error()` says why.
  asio::awaitable<bool> ask(Request request);
  /// False: the client's connection is of no more use.
  asio::awaitable<bool> answer(bool keep_alive, bool is_head);
  const error_code& error() const { return error_; }

 private:
  using Parser = http::response_parser<http::buffer_body>;

  auto token() { return asio::redirect_error(asio::use_awaitable, error_); }
  void expect_answer(bool is_head);
  asio::awaitable<void> read_header(bool is_head);
  asio::awaitable<bool> pass_body(http::response_serializer<http::buffer_body>& serializer);

  const Shared& shared_;
  beast::tcp_stream& client_;
  beast::tcp_stream server_;
  beast::flat_buffer buffer_;
  std::optional<Parser> answer_;
  error_code error_;
};

void Relay::expect_answer(bool is_head) {
  answer_.emplace();
  answer_->header_limit(static_cast<std::uint32_t>(kMostBodyBytes));
  // Not boost::none: any Content-Length is above that (Boost 1.74, basic_parser.ipp).
  answer_->body_limit(std::numeric_limits<std::uint64_t>::max());
  answer_->skip(is_head);
}

/// An interim answer (1xx) is the connection's to the server, not the client's.
asio::awaitable<void> Relay::read_header(bool is_head) {
  auto done = token();
  do {
    expect_answer(is_head);
    server_.expires_after(kTimeToAnswer);
    co_await http::async_read_header(server_, buffer_, *answer_, done);
  } while (!error_ &&
           http::to_status_class(answer_->get().result()) == http::status_class::informational);
}

asio::awaitable<bool> Relay::ask(Request request) {
  const auto& server = shared_.settings.server;
  const tcp::endpoint endpoint(asio::ip::make_address(fmt::format("{}", server.address), error_),
                               server.port);
  auto done = token();
  server_.expires_after(kTimeToConnect);
  co_await server_.async_connect(endpoint, done);
  if (error_) co_return false;
  server_.expires_after(kTimeToTake);
  co_await http::async_write(server_, request, done);
  if (error_) co_return false;
  co_await read_header(request.method() == http::verb::head);
  co_return !error_;
}

/// Piece by piece (Beast's way of relaying: buffer_body asks for a buffer each time).
asio::awaitable<bool> Relay::pass_body(http::response_serializer<http::buffer_body>& serializer) {
  auto done = token();
  char piece[kPiece];
  auto& body = answer_->get().body();
  do {
    if (answer_->is_done()) {
      body.data = nullptr, body.size = 0;
    } else {
      body.data = piece, body.size = sizeof(piece);
      server_.expires_after(kTimeToAnswer);
      co_await http::async_read(server_, buffer_, *answer_, done);
      if (error_ && error_ != http::error::need_buffer) co_return false;
      body.size = sizeof(piece) - body.size;
      body.data = piece;
    }
    body.more = !answer_->is_done();
    client_.expires_after(kTimeToTake);
    co_await http::async_write(client_, serializer, done);
    if (error_ && error_ != http::error::need_buffer) co_return false;
  } while (!answer_->is_done() || !serializer.is_done());
  co_return true;
}

asio::awaitable<bool> Relay::answer(bool keep_alive, bool is_head) {
  auto& message = answer_->get();
  remove_hop_by_hop(message);
  keep_alive = keep_alive && (is_head || !answer_->need_eof());
  message.keep_alive(keep_alive);
  http::response_serializer<http::buffer_body> serializer(message);
  auto done = token();
  client_.expires_after(kTimeToTake);
  co_await http::async_write_header(client_, serializer, done);
  if (error_) co_return false;
  if (is_head || answer_->is_done()) co_return keep_alive;
  const bool is_whole = co_await pass_body(serializer);
  co_return is_whole&& keep_alive;
}

/// Sends an answer of our own. False: the client's connection is of no more use.
asio::awaitable<bool> refuse(beast::tcp_stream& client, Refusal response) {
  error_code error;
  auto done = asio::redirect_error(asio::use_awaitable, error);
  client.expires_after(kTimeToTake);
  co_await http::async_write(client, response, done);
  co_return !error && response.keep_alive();
}

/// False: the server did not begin to answer.
asio::awaitable<bool> handle(const Shared& shared, beast::tcp_stream& client, Request request,
                             const std::string& address) {
  const auto known = IpAddress::parse(address);
  const auto found = known ? shared.guests.find(*known) : shared.guests.end();
  const Guest* guest = found == shared.guests.end() ? nullptr : &found->second;
  if (auto response = refusal_of(request, guest, address)) {
    const bool stays = co_await refuse(client, std::move(*response));
    co_return stays;
  }
  const bool keep_alive = request.keep_alive(), is_head = request.method() == http::verb::head;
  Request to_server = forwarded(std::move(request), *guest, shared.secret);
  Relay relay(shared, client);
  const bool is_answered = co_await relay.ask(std::move(to_server));
  if (is_answered) {
    const bool stays = co_await relay.answer(keep_alive, is_head);
    co_return stays;
  }
  shared.complain(relay.error().message());
  const bool is_late = relay.error() == beast::error::timeout;
  Refusal response = refusal(is_late ? http::status::gateway_timeout : http::status::bad_gateway,
                             "the metadata server does not answer", keep_alive);
  const bool stays = co_await refuse(client, std::move(response));
  co_return stays;
}

}  // namespace

asio::awaitable<void> serve(std::shared_ptr<const Shared> shared, tcp::socket socket) {
  error_code error;
  const tcp::endpoint peer = socket.remote_endpoint(error);
  if (error) co_return;
  const std::string address = peer.address().to_string();
  beast::tcp_stream client(std::move(socket));
  beast::flat_buffer buffer(kMostHeaderBytes + kMostBodyBytes);
  auto done = asio::redirect_error(asio::use_awaitable, error);
  for (bool stays = true; stays;) {
    http::request_parser<http::string_body> parser;
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(kMostBodyBytes);
    client.expires_after(kTimeToAsk);
    co_await http::async_read(client, buffer, parser, done);
    if (error == http::error::end_of_stream || error == beast::error::timeout) co_return;
    if (error) {
      Refusal response = refusal(status_of(error), "not a request: " + error.message(), false);
      stays = co_await refuse(client, std::move(response));
      co_return;
    }
    Request request = parser.release();
    stays = co_await handle(*shared, client, std::move(request), address);
  }
  client.socket().shutdown(tcp::socket::shutdown_send, error);
}

}  // namespace novaplane::metadata
