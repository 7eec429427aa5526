#include "tools/control.h"

#include <fmt/format.h>

#include <utility>  // Boost 1.74's Asio lacks it

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace novaplane::tools {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr int kHttp11 = 11;

http::request<http::empty_body> request(const std::string& method, const std::string& target) {
  http::request<http::empty_body> request(http::string_to_verb(method), target, kHttp11);
  request.set(http::field::host, "novaplaned");
  request.set(http::field::connection, "close");
  return request;
}

}  // namespace

std::string control_socket(const std::string& run_dir) { return run_dir + "/control.sock"; }

Result<std::string> ask_daemon(const std::string& run_dir, const std::string& method,
                               const std::string& target) {
  const std::string path = control_socket(run_dir);
  const auto step = [&] { return fmt::format("ask novaplaned at {}", path); };
  asio::io_context io;
  asio::local::stream_protocol::socket socket(io);
  error_code error;
  socket.connect(path, error);
  boost::beast::flat_buffer buffer;
  http::response<http::string_body> response;
  if (!error) http::write(socket, request(method, target), error);
  if (!error) http::read(socket, buffer, response, error);
  const bool is_errno = error.category() == boost::system::system_category();
  if (error) return failure(step(), is_errno ? error.value() : 0, error.message());
  if (response.result() != http::status::ok) {
    return failure(step(), fmt::format("{} {}", response.result_int(), response.body()));
  }
  return std::move(response.body());
}

}  // namespace novaplane::tools
