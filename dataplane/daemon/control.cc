#include "dataplane/daemon/control.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>  // Boost 1.74's Asio uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "dataplane/base/files.h"
#include "dataplane/daemon/reports.h"

namespace novaplane::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using Stream = beast::basic_stream<Local>;
using boost::system::error_code;

namespace {

constexpr std::size_t kMostHeaderBytes = 8 * 1024, kMostBodyBytes = 64 * 1024;
constexpr std::chrono::seconds kTimeToAsk{5}, kTimeToTake{10};
constexpr std::chrono::seconds kPauseWithoutDescriptors{1};
constexpr int kMostClients = 16;

bool is_root(Local::socket& socket) {
  ucred peer{};
  socklen_t size = sizeof(peer);
  return ::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         peer.uid == 0;
}

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

/// A socket that nobody answers at is left from a daemon that was killed.
Result<void> clear_the_way(asio::io_context& context, const std::string& path) {
  Local::socket probe(context);
  error_code error;
  probe.connect(Local::endpoint(path), error);
  if (!error) {
    return failure("listen at " + path, EADDRINUSE,
                   "another daemon answers there; give each a --run-dir of its own");
  }
  if (is_socket(path)) ::unlink(path.c_str());
  return {};
}

/// Never open to others, not even between bind and chmod.
error_code listen_for_root(Local::acceptor& acceptor, const std::string& path) {
  error_code error;
  const mode_t before = ::umask(0177);
  acceptor.open(Local(), error);
  if (!error) acceptor.bind(Local::endpoint(path), error);
  ::umask(before);
  if (!error) acceptor.listen(kMostClients, error);
  return error;
}

struct Reply {
  http::status status = http::status::ok;
  std::string body;
  std::string allowed = {};  ///< with 405: the method that would do
};

}  // namespace

struct Control::State {
  State(Loop& loop, std::string path, Handlers handlers)
      : context(loop.context()),
        acceptor(context),
        path(std::move(path)),
        handlers(std::move(handlers)) {}

  asio::io_context& context;
  Local::acceptor acceptor;
  std::string path;
  Handlers handlers;
  int clients = 0;

  // Coroutines that share the state: a client may outlive the rest.
  static asio::awaitable<void> accept_clients(std::shared_ptr<State> state);
  static asio::awaitable<std::string> passed(std::shared_ptr<State> state, std::string target);
  static asio::awaitable<void> serve(std::shared_ptr<State> state, Local::socket socket);
};

namespace {

/// "/uplinks/wan/drain": the uplink's name, and whether it is to be drained.
std::optional<std::pair<std::string, bool>> drain_of(std::string_view target) {
  constexpr std::string_view kUplinks = "/uplinks/", kDrain = "/drain", kUndrain = "/undrain";
  if (!target.starts_with(kUplinks)) return std::nullopt;
  target.remove_prefix(kUplinks.size());
  for (const auto& [suffix, drained] : {std::pair{kDrain, true}, {kUndrain, false}}) {
    if (!target.ends_with(suffix) || target.size() == suffix.size()) continue;
    target.remove_suffix(suffix.size());
    return std::pair(std::string(target), drained);
  }
  return std::nullopt;
}

/// The method that a target takes; none: there is no such target.
std::optional<http::verb> method_of(std::string_view target) {
  if (target == "/pass" || target == "/trial" || target == "/trial/end") return http::verb::post;
  if (target == "/status" || target == "/show" || target == "/uplinks") return http::verb::get;
  if (drain_of(target)) return http::verb::post;
  return std::nullopt;
}

/// What can be answered at once; none: a pass is asked for.
std::optional<Reply> reply_to(const Control::Handlers& handlers, http::verb method,
                              const std::string& target) {
  const auto right = method_of(target);
  if (!right) return Reply{http::status::not_found, error_json("there is no " + target)};
  if (method != *right) {
    const std::string name(http::to_string(*right));
    return Reply{http::status::method_not_allowed, error_json(target + " takes " + name), name};
  }
  if (target == "/status") return Reply{http::status::ok, handlers.status()};
  if (target == "/show") return Reply{http::status::ok, handlers.show()};
  if (target == "/uplinks") return Reply{http::status::ok, handlers.uplinks()};
  if (const auto drain = drain_of(target)) {
    const std::string error = handlers.drain(drain->first, drain->second);
    if (error.empty()) return Reply{http::status::ok, "{}\n"};
    return Reply{http::status::conflict, error_json(error)};
  }
  return std::nullopt;
}

http::response<http::string_body> response_of(Reply reply, unsigned version) {
  http::response<http::string_body> response(reply.status, version);
  response.set(http::field::content_type, "application/json");
  if (!reply.allowed.empty()) response.set(http::field::allow, reply.allowed);
  response.keep_alive(false);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  return response;
}

}  // namespace

/// Waits for the answer of a pass without holding the loop.
asio::awaitable<std::string> Control::State::passed(std::shared_ptr<State> state,
                                                    std::string target) {
  struct Gate {
    explicit Gate(asio::io_context& context)
        : timer(context, asio::steady_timer::time_point::max()) {}
    asio::steady_timer timer;
    std::optional<std::string> answer;
  };
  const auto gate = std::make_shared<Gate>(state->context);
  state->handlers.pass(target, [gate](std::string json) {
    gate->answer = std::move(json);
    gate->timer.cancel();
  });
  error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  while (!gate->answer) co_await gate->timer.async_wait(token);
  std::string answer = std::move(*gate->answer);
  co_return answer;
}

/// One client, from its question to the answer. Whatever goes wrong with it ends it alone.
/// (GCC 12 destroys some temporaries of a co_await expression twice: all are named here.)
asio::awaitable<void> Control::State::serve(std::shared_ptr<State> state, Local::socket socket) {
  Stream stream(std::move(socket));
  beast::flat_buffer buffer(kMostHeaderBytes + kMostBodyBytes);
  http::request_parser<http::string_body> parser;
  parser.header_limit(kMostHeaderBytes);
  parser.body_limit(kMostBodyBytes);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);

  stream.expires_after(kTimeToAsk);
  co_await http::async_read(stream, buffer, parser, token);
  if (error == beast::error::timeout || error == http::error::end_of_stream) co_return;
  const auto& request = parser.get();
  std::optional<Reply> reply;
  if (error) {
    reply = Reply{http::status::bad_request, error_json("not a request: " + error.message())};
  } else {
    reply = reply_to(state->handlers, request.method(), std::string(request.target()));
  }
  if (!reply) {
    stream.expires_never();
    reply.emplace();
    std::string target(request.target());
    reply->body = co_await passed(state, std::move(target));
  }
  auto response = response_of(std::move(*reply), request.version());
  stream.expires_after(kTimeToTake);
  co_await http::async_write(stream, response, token);
  stream.socket().shutdown(Local::socket::shutdown_send, error);
}

asio::awaitable<void> Control::State::accept_clients(std::shared_ptr<State> state) {
  asio::steady_timer pause(state->context);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  const auto left = [state](const std::exception_ptr&) { --state->clients; };
  while (state->acceptor.is_open()) {
    Local::socket socket(state->context);
    co_await state->acceptor.async_accept(socket, token);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      pause.expires_after(kPauseWithoutDescriptors);
      co_await pause.async_wait(token);
      continue;
    }
    if (!is_root(socket) || state->clients >= kMostClients) continue;
    ++state->clients;
    asio::co_spawn(state->context, serve(state, std::move(socket)), left);
  }
}

Result<std::unique_ptr<Control>> Control::open(Loop& loop, const std::string& run_dir,
                                               Handlers handlers) {
  if (auto made = make_directories(run_dir); !made) return tl::unexpected(made.error());
  const std::string path = run_dir + "/control.sock";
  constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kLongestPath) {
    return failure("listen at " + path, ENAMETOOLONG,
                   fmt::format("the path of a socket has at most {} bytes", kLongestPath));
  }
  auto state = std::make_shared<State>(loop, path, std::move(handlers));
  if (auto clear = clear_the_way(loop.context(), path); !clear) {
    return tl::unexpected(clear.error());
  }
  if (const error_code error = listen_for_root(state->acceptor, path)) {
    return failure("listen at " + path, error.value());
  }
  asio::co_spawn(loop.context(), State::accept_clients(state), asio::detached);
  return std::unique_ptr<Control>(new Control(std::move(state)));
}

Control::~Control() {
  error_code ignored;
  state_->acceptor.close(ignored);
  ::unlink(state_->path.c_str());
}

}  // namespace novaplane::daemon
