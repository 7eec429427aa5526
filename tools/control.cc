#include "tools/control.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>  // Boost 1.74's Asio lacks it

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include "dataplane/base/peer.h"

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

http::request<http::empty_body> request(const std::string& method, const std::string& target) {
  http::request<http::empty_body> request(http::string_to_verb(method), target, kHttp11);
  request.set(http::field::host, "novaplaned");
  request.set(http::field::connection, "close");
  return request;
}

/// A conversation with deadlines: each step is started and waited for.
class Conversation {
 public:
  Conversation() : stream_(io_) {}

  error_code connect(const std::string& path) {
    return wait(kToConnect,
                [&](auto done) { stream_.async_connect(Local::endpoint(path), std::move(done)); });
  }
  error_code say(const http::request<http::empty_body>& question) {
    return wait(kToConnect,
                [&](auto done) { http::async_write(stream_, question, std::move(done)); });
  }
  error_code process_events(std::chrono::seconds time) {
    parser_.body_limit(boost::none);  // `show` of a large host
    return wait(time,
                [&](auto done) { http::async_read(stream_, buffer_, parser_, std::move(done)); });
  }
  int socket() { return stream_.socket().native_handle(); }
  http::response<http::string_body> response() { return parser_.release(); }

 private:
  template <class Start>
  error_code wait(std::chrono::seconds time, Start start) {
    error_code result = asio::error::timed_out;
    stream_.expires_after(time);
    start([&result](error_code error, auto&&...) { result = error; });
    io_.restart();
    io_.run();
    return result;
  }

  asio::io_context io_;
  beast::basic_stream<Local> stream_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
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

}  // namespace

std::string control_socket(const std::string& run_dir) { return run_dir + "/control.sock"; }

Result<std::string> ask_daemon(const std::string& run_dir, const std::string& method,
                               const std::string& target) {
  const std::string path = control_socket(run_dir);
  const std::string step = fmt::format("ask novaplaned at {}", path);
  const auto failed = [&](const error_code& error) {
    const bool is_errno = error.category() == boost::system::system_category();
    return failure(step, is_errno ? error.value() : 0, error.message());
  };
  if (::access(path.c_str(), F_OK) == 0 && !is_roots_socket(path)) {
    return failure(step, EPERM, "it is not a socket of root's");
  }
  Conversation conversation;
  if (const auto error = conversation.connect(path)) return failed(error);
  if (auto sure = make_sure_of(conversation.socket(), step); !sure) {
    return tl::unexpected(sure.error());
  }
  if (const auto error = conversation.say(request(method, target))) return failed(error);
  if (const auto error = conversation.process_events(method == "GET" ? kToTell : kToPass)) {
    return failed(error);
  }
  auto response = conversation.response();
  if (response.result() != http::status::ok) {
    return failure(step, fmt::format("{} {}", response.result_int(), response.body()));
  }
  return std::move(response.body());
}

}  // namespace novaplane::tools
