#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <utility>  // Boost 1.74's Asio uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/http.hpp>

#include "dataplane/daemon/control.h"
#include "dataplane/daemon/reports.h"

/// What the parts of the control socket share: control.cc serves, control_api.cc asks a store.
namespace novaplane::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using Stream = beast::basic_stream<Local>;
using boost::system::error_code;

constexpr std::chrono::seconds kTimeToTake{10};     ///< of a client that is answered
constexpr std::chrono::seconds kLongestAnswer{60};  ///< but for passes, which know their deadline

inline Control::Reply error_reply(http::status status, std::string_view sentence) {
  return {static_cast<unsigned>(status), error_json(sentence)};
}

/// A client that waits for its answer. Lives as long as the client, on the loop of clients.
struct Control::Answer::Gate {
  explicit Gate(asio::io_context& context)
      : context(context), timer(context, asio::steady_timer::time_point::max()) {}

  asio::io_context& context;
  asio::steady_timer timer;
  std::optional<Reply> reply;
  bool has_gone = false;

  void open(Reply given) {
    if (reply) return;
    reply = std::move(given);
    timer.cancel();
  }
  static void watch(const std::shared_ptr<Gate>& gate, Local::socket& socket);
};

struct Control::Impl {
  Impl(Loop& clients, Loop& decides, std::string path, Handlers handlers)
      : context(clients.context()),
        decides(decides),
        acceptor(context),
        path(std::move(path)),
        handlers(std::move(handlers)) {}

  asio::io_context& context;
  Loop& decides;
  Local::acceptor acceptor;
  std::string path;
  Handlers handlers;
  int clients = 0, waiting = 0;

  using Question = std::function<void(Answer)>;
  Question question_of(const std::string& target) const;
  void ask(const char* name, Question question, const Answer& answer);

  // Coroutines that share the Impl: a client may outlive the rest.
  static asio::awaitable<void> accept_clients(std::shared_ptr<Impl> impl);
  static asio::awaitable<void> accept_client(std::shared_ptr<Impl> impl);
  static asio::awaitable<std::optional<Reply>> awaited(std::shared_ptr<Answer::Gate> gate,
                                                       Local::socket& socket);
  static asio::awaitable<std::optional<Reply>> answered(std::shared_ptr<Impl> impl,
                                                        Local::socket& socket, std::string target);
  static asio::awaitable<std::optional<Reply>> of_api(std::shared_ptr<Impl> impl,
                                                      Local::socket& socket, api::Request request);
  static asio::awaitable<std::optional<Reply>> of_news(std::shared_ptr<Impl> impl,
                                                       Local::socket& socket,
                                                       api::WatchRequest request, bool waits);
  static asio::awaitable<std::optional<Reply>> watch(std::shared_ptr<Impl> impl, Stream& stream,
                                                     api::WatchRequest request);
  static asio::awaitable<void> serve(std::shared_ptr<Impl> impl, Local::socket socket);
};

/// Below /v1: the control API's.
bool is_of_api(beast::string_view target);
api::Request request_of(const http::request<http::string_body>& request, Local::socket& socket);

}  // namespace novaplane::daemon
