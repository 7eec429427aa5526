#include "tools/control.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>  // Boost 1.74's Asio lacks it

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "dataplane/base/peer.h"
#include "dataplane/tls/tls.h"
#include "tools/options.h"
#include "tools/server_address.h"

namespace novaplane::tools {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Local = asio::local::stream_protocol;

constexpr int kHttp11 = 11;
constexpr std::chrono::seconds kToConnect{10};  ///< and to take a question
constexpr std::chrono::seconds kToTell{60};
constexpr std::chrono::minutes kToPass{10};  ///< of a large document, on a slow machine
constexpr std::chrono::seconds kForever = std::chrono::seconds::max();

using Question = http::request<http::string_body>;
using Answer = http::response_parser<http::string_body>;

Question question_of(const Endpoint& endpoint, const ControlRequest& request) {
  Question question(http::string_to_verb(request.method), request.target, kHttp11);
  question.set(http::field::host, endpoint.server.empty() ? "novaplaned" : endpoint.server);
  question.set(http::field::connection, "close");
  for (const auto& [name, value] : request.headers) question.set(name, value);
  if (!request.type.empty()) question.set(http::field::content_type, request.type);
  question.body() = request.body;
  question.prepare_payload();
  return question;
}

ControlResponse response_of(http::response<http::string_body> answer) {
  const auto header = [&answer](http::field field) { return std::string(answer[field]); };
  return {answer.result_int(),
          std::move(answer.body()),
          header(http::field::content_type),
          header(http::field::etag),
          header(http::field::location),
          header(http::field::warning),
          header(http::field::retry_after)};
}

/// A conversation with deadlines: each step is started and waited for.
class Conversation {
 public:
  Conversation() : stream_(io_) {
    // `show` of a large host. Boost 1.74 takes `none` for less than any length.
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }

  error_code connect(const std::string& path) {
    return wait(kToConnect,
                [&](auto done) { stream_.async_connect(Local::endpoint(path), std::move(done)); });
  }
  /// What is connected already.
  error_code use(Fd socket) {
    error_code error;
    stream_.socket().assign(Local(), socket.get(), error);
    if (!error) (void)socket.release();
    return error;
  }
  error_code say(const Question& question) {
    return wait(question.body().empty() ? kToConnect : kToTell,
                [&](auto done) { http::async_write(stream_, question, std::move(done)); });
  }
  error_code read(std::chrono::seconds time) {
    return wait(time,
                [&](auto done) { http::async_read(stream_, buffer_, parser_, std::move(done)); });
  }
  /// Until its end, which may never come: who asked for it is stopped by a signal.
  error_code read_each(const std::function<void(std::string_view)>& on_data) {
    parser_.eager(true);
    error_code error = wait(kToTell, [&](auto done) {
      http::async_read_header(stream_, buffer_, parser_, std::move(done));
    });
    if (!error && parser_.get().result() != http::status::ok) return read(kToTell);
    while (!error) {
      on_data(std::exchange(parser_.get().body(), {}));
      if (parser_.is_done()) return {};
      error = wait(kForever, [&](auto done) {
        http::async_read_some(stream_, buffer_, parser_, std::move(done));
      });
    }
    on_data(std::exchange(parser_.get().body(), {}));
    return error;
  }
  void close() { stream_.close(); }
  int socket() { return stream_.socket().native_handle(); }
  http::response<http::string_body> response() { return parser_.release(); }

 private:
  template <class Start>
  error_code wait(std::chrono::seconds time, Start start) {
    error_code result = asio::error::timed_out;
    if (time == kForever) {
      stream_.expires_never();
    } else {
      stream_.expires_after(time);
    }
    start([&result](error_code error, auto&&...) { result = error; });
    io_.restart();
    io_.run();
    return result;
  }

  asio::io_context io_;
  beast::basic_stream<Local> stream_;
  beast::flat_buffer buffer_;
  Answer parser_;
};

/// Whoever may write into the run directory may put a socket there.
Result<void> make_sure_of(int socket, const std::string& step) {
  const auto peer = peer_of(socket);
  if (peer && peer->uid == 0) return {};
  return failure(step, EPERM,
                 peer ? fmt::format("process {} of user {} listens there, not root's novaplaned",
                                    peer->pid, peer->uid)
                      : "the kernel does not say who listens there");
}

/// Who refuses a body may hang up before all of it has come, and has answered by then.
bool is_hang_up(const error_code& error) {
  return error == boost::system::errc::broken_pipe ||
         error == boost::system::errc::connection_reset;
}

/// Of an answer that is an error: what it says, of a problem (RFC 9457) or as `error`.
std::string sentence_in(const ControlResponse& response) {
  const auto json = nlohmann::json::parse(response.body, nullptr, /*allow_exceptions=*/false);
  for (const char* key : {"detail", "error"}) {
    if (json.is_object() && json.contains(key) && json[key].is_string()) {
      return json[key].get<std::string>();
    }
  }
  return fmt::format("{} {}", response.status, response.body);
}

std::string step_at(const Endpoint& endpoint) { return "ask novaplaned at " + endpoint.name(); }

Result<void> connect_here(Conversation& conversation, const Endpoint& endpoint) {
  const std::string path = control_socket(endpoint.run_dir), step = step_at(endpoint);
  if (::access(path.c_str(), F_OK) == 0 && !is_roots_socket(path)) {
    return failure(step, EPERM, "it is not a socket of root's");
  }
  const auto error = conversation.connect(path);
  if (error) return failure(step, error.value(), error.message());
  return make_sure_of(conversation.socket(), step);
}

Result<std::unique_ptr<tls::Connection>> connect_over_tls(Conversation& conversation,
                                                          const Endpoint& endpoint) {
  const auto address = ServerAddress::parse(endpoint.server);
  if (!address) return failure(step_at(endpoint), "say https://HOST:PORT");
  const auto module = tls::module();
  if (!module) return tl::unexpected(module.error());
  auto connection = (*module)->connect(
      {address->host, address->port, {endpoint.certificate, endpoint.key, endpoint.authorities}});
  if (!connection) {
    return failure(step_at(endpoint), connection.error().message());
  }
  if (const auto error = conversation.use((*connection)->take())) {
    return failure(step_at(endpoint), error.value(), error.message());
  }
  return connection;
}

}  // namespace

std::string control_socket(const std::string& run_dir) { return run_dir + "/control.sock"; }

Endpoint::Endpoint(const Options& options)
    : run_dir(options.run_dir),
      server(options.server),
      authorities(options.cacert),
      certificate(options.cert),
      key(options.key) {}

std::string Endpoint::name() const { return server.empty() ? control_socket(run_dir) : server; }

Result<ControlResponse> exchange(const Endpoint& endpoint, const ControlRequest& request,
                                 const std::function<void(std::string_view)>& on_data) {
  std::unique_ptr<tls::Connection> connection;  // outlives what is said over it
  Conversation conversation;
  if (endpoint.server.empty()) {
    if (auto made = connect_here(conversation, endpoint); !made) {
      return tl::unexpected(made.error());
    }
  } else {
    auto made = connect_over_tls(conversation, endpoint);
    if (!made) return tl::unexpected(made.error());
    connection = std::move(*made);
  }
  const auto failed = [&](const error_code& error) {
    conversation.close();  // then the connection ends, and knows why
    const std::string trouble = connection ? connection->trouble() : "";
    const bool is_errno = error.category() == boost::system::system_category();
    if (!trouble.empty()) return failure(step_at(endpoint), trouble);
    return failure(step_at(endpoint), is_errno ? error.value() : 0, error.message());
  };
  const auto unsaid = conversation.say(question_of(endpoint, request));
  if (unsaid && !is_hang_up(unsaid)) return failed(unsaid);
  const auto error = on_data ? conversation.read_each(on_data)
                             : conversation.read(request.method == "GET" ? kToTell : kToPass);
  if (error) return failed(unsaid ? unsaid : error);
  return response_of(conversation.response());
}

Result<std::string> ask_daemon(const Endpoint& endpoint, const std::string& method,
                               const std::string& target) {
  auto response = exchange(endpoint, {method, target});
  if (!response) return tl::unexpected(response.error());
  if (response->status == static_cast<unsigned>(http::status::ok)) {
    return std::move(response->body);
  }
  return failure(step_at(endpoint), sentence_in(*response));
}

}  // namespace novaplane::tools
