#include "dataplane/daemon/control_impl.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>

#include "dataplane/base/exception.h"
#include "dataplane/base/files.h"
#include "dataplane/base/peer.h"
#include "dataplane/node/daemon_presence.h"

namespace novaplane::daemon {

namespace {

constexpr std::size_t kMostHeaderBytes = 8 * 1024, kMostBodyBytes = 64 * 1024;
constexpr std::chrono::seconds kTimeToAsk{5}, kTimeToSend{60};  ///< the latter: a document
constexpr std::chrono::seconds kPauseWithoutDescriptors{1};
constexpr int kMostClients = 64;
constexpr int kMostWaiting = 16;  ///< of them, for passes: the others get their answers meanwhile
/// The deciding loop answers at once unless it is at work: then what is known will do.
constexpr std::chrono::milliseconds kFreshStatus{5};

bool is_socket(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode);
}

/// A socket that nobody answers at is left from a daemon that was killed; one of another user's is
/// nobody's daemon.
Result<void> clear_the_way(const std::string& run_dir, const std::string& path) {
  if (node::daemon_listens(run_dir)) {
    return failure("listen at " + path, EADDRINUSE,
                   "another daemon answers there; give each a --run-dir of its own");
  }
  if (is_socket(path) && ::unlink(path.c_str()) != 0) return failure("listen at " + path, errno);
  return {};
}

/// Never open to others, not even between bind and chmod: what it makes has the mode of the socket
/// (net/unix/af_unix.c, unix_bind_bsd). The process's umask would be that of its other threads too.
error_code listen_for_root(Local::acceptor& acceptor, const std::string& path) {
  error_code error;
  acceptor.open(Local(), error);
  if (!error && ::fchmod(acceptor.native_handle(), S_IRUSR | S_IWUSR) != 0) {
    error.assign(errno, boost::system::system_category());
  }
  if (!error) acceptor.bind(Local::endpoint(path), error);
  if (!error) acceptor.listen(kMostClients, error);
  return error;
}

/// The peer has closed its end, not only for writing (net/unix/af_unix.c, unix_poll).
bool has_hung_up(Local::socket& socket) {
  pollfd asked{socket.native_handle(), 0, 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & (POLLHUP | POLLERR)) != 0;
}

/// Counts whoever has it.
class Place {
 public:
  explicit Place(int* count) : count_(count) {
    if (count_) ++*count_;
  }
  Place(const Place&) = delete;
  ~Place() {
    if (count_) --*count_;
  }

 private:
  int* count_;
};

}  // namespace

/// The gate is the clients' loop's alone, and so is its end.
struct Control::Answer::Promise {
  explicit Promise(const std::shared_ptr<Gate>& gate) : context(gate->context), gate(gate) {}
  ~Promise() {
    try {
      if (!gate.expired()) keep(error_reply(http::status::internal_server_error, "given up"));
    } catch (const std::exception&) {
      // Its client waits for its own deadline.
    }
  }
  void keep(Reply reply) const;

  asio::io_context& context;
  std::weak_ptr<Gate> gate;
};

/// The first reply counts.
void Control::Answer::Promise::keep(Reply reply) const {
  if (gate.expired()) return;
  asio::post(context, [gate = gate, reply = std::move(reply)]() mutable {
    if (const auto waiting = gate.lock()) waiting->open(std::move(reply));
  });
}

Control::Answer::Answer(const std::shared_ptr<Gate>& gate)
    : promise_(std::make_shared<Promise>(gate)) {}

void Control::Answer::operator()(Reply reply) const { promise_->keep(std::move(reply)); }
bool Control::Answer::is_awaited() const { return !promise_->gate.expired(); }

/// A wait that is cancelled, as all are when the socket is closed, does not touch the socket.
void Control::Answer::Gate::watch(const std::shared_ptr<Gate>& gate, Local::socket& socket) {
  const auto on_event = [weak = std::weak_ptr(gate), &socket](const error_code& error) {
    const auto waiting = weak.lock();
    if (error || !waiting) return;
    if (!has_hung_up(socket)) return watch(waiting, socket);
    waiting->has_gone = true;
    waiting->timer.cancel();
  };
  socket.async_wait(Local::socket::wait_error, on_event);
}

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

bool waits_for_pass(std::string_view target) {
  return method_of(target) == http::verb::post && !drain_of(target);
}

/// Who asks for nothing that there is.
std::optional<Control::Reply> refusal_of(http::verb method, const std::string& target) {
  const auto right = method_of(target);
  if (!right) return error_reply(http::status::not_found, "there is no " + target);
  if (method == *right) return std::nullopt;
  return error_reply(http::status::method_not_allowed,
                     fmt::format("{} takes {}", target, std::string(http::to_string(*right))));
}

http::response<http::string_body> response_of(Control::Reply reply, const std::string& target,
                                              unsigned version) {
  const auto status = static_cast<http::status>(reply.status);
  http::response<http::string_body> response(status, version);
  response.set(http::field::content_type, reply.content_type);
  for (const auto& [name, value] : reply.headers) response.set(name, value);
  const auto right = method_of(target);
  if (status == http::status::method_not_allowed && right) {
    response.set(http::field::allow, http::to_string(*right));
  }
  response.keep_alive(false);
  response.body() = std::move(reply.body);
  response.prepare_payload();
  return response;
}

}  // namespace

/// What the deciding loop is to be asked.
Control::Impl::Question Control::Impl::question_of(const std::string& target) const {
  if (target == "/status") return handlers.status;
  if (target == "/show") return handlers.show;
  if (target == "/uplinks") return handlers.uplinks;
  if (const auto drain = drain_of(target)) {
    return [this, drain = *drain](Answer answer) {
      handlers.drain(drain.first, drain.second, std::move(answer));
    };
  }
  return [this, target](Answer answer) { handlers.pass(target, std::move(answer)); };
}

/// A question that throws is answered with that, and told to the loop as any task's error.
void Control::Impl::ask(const char* name, Question question, const Answer& answer) {
  decides.post(name, [question = std::move(question), answer, name] {
    if (!answer.is_awaited()) return;
    try {
      question(answer);
    } catch (...) {
      answer(error_reply(http::status::internal_server_error, error_of_exception(name).message()));
      throw;
    }
  });
}

/// None: the client has hung up, or the time was over.
asio::awaitable<std::optional<Control::Reply>> Control::Impl::awaited(
    std::shared_ptr<Answer::Gate> gate, Local::socket& socket) {
  Answer::Gate::watch(gate, socket);
  error_code cancelled;
  auto token = asio::redirect_error(asio::use_awaitable, cancelled);
  if (!gate->reply && !gate->has_gone) co_await gate->timer.async_wait(token);
  std::optional<Reply> reply = std::move(gate->reply);
  co_return reply;
}

/// Waits for the deciding loop without holding that of clients. None: the client has hung up.
asio::awaitable<std::optional<Control::Reply>> Control::Impl::answered(std::shared_ptr<Impl> impl,
                                                                       Local::socket& socket,
                                                                       std::string target) {
  const auto gate = std::make_shared<Answer::Gate>(impl->context);
  const bool is_status = target == "/status";
  const bool is_pass = waits_for_pass(target);
  if (is_status) gate->timer.expires_after(kFreshStatus);
  if (!is_status && !is_pass) gate->timer.expires_after(kLongestAnswer);
  impl->ask(is_pass ? "ask for a pass" : "answer a request", impl->question_of(target),
            Answer(gate));
  std::optional<Reply> reply = co_await awaited(gate, socket);
  if (gate->has_gone) co_return std::nullopt;
  if (!reply && is_status) reply = Reply{200, impl->handlers.known_status()};
  if (!reply) {
    reply = error_reply(http::status::service_unavailable,
                        "novaplaned is at work: it did not answer within a minute");
  }
  co_return reply;
}

/// One client, from its question to the answer. Whatever goes wrong with it ends it alone.
/// (GCC 12 destroys some temporaries of a co_await expression twice: all are named here.)
asio::awaitable<void> Control::Impl::serve(std::shared_ptr<Impl> impl, Local::socket socket) {
  Stream stream(std::move(socket));
  beast::flat_buffer buffer(kMostHeaderBytes + kMostBodyBytes);
  http::request_parser<http::string_body> parser;
  parser.header_limit(kMostHeaderBytes);
  parser.body_limit(api::kMostBody);  // Content-Length is compared with it within the header
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);

  stream.expires_after(kTimeToAsk);
  co_await http::async_read_header(stream, buffer, parser, token);
  const bool is_api = is_of_api(parser.get().target());
  if (!is_api) parser.body_limit(kMostBodyBytes);
  if (is_api) stream.expires_after(kTimeToSend);
  if (!error) co_await http::async_read(stream, buffer, parser, token);
  if (error == beast::error::timeout || error == http::error::end_of_stream) co_return;
  if (has_hung_up(stream.socket())) co_return;
  const auto& request = parser.get();
  const std::string target(request.target());
  std::optional<Reply> reply;
  if (error) {
    const bool is_large = error == http::error::body_limit;
    reply = error_reply(is_large ? http::status::payload_too_large : http::status::bad_request,
                        "not a request: " + error.message());
  } else if (is_api && impl->handlers.api) {
    stream.expires_never();
    api::Request asked = request_of(request, stream.socket());
    if (const auto followed = api::watch_of(asked)) {
      reply = co_await watch(impl, stream, *followed);
    } else {
      reply = co_await of_api(impl, stream.socket(), std::move(asked));
    }
    if (!reply) co_return;
  } else {
    reply = refusal_of(request.method(), target);
  }
  if (!reply && waits_for_pass(target) && impl->waiting >= kMostWaiting) {
    reply = error_reply(http::status::service_unavailable,
                        fmt::format("{} requests wait for a pass: try again", kMostWaiting));
  }
  if (!reply) {
    stream.expires_never();
    const Place place(waits_for_pass(target) ? &impl->waiting : nullptr);
    reply = co_await answered(impl, stream.socket(), target);
  }
  if (!reply) co_return;
  auto response = response_of(std::move(*reply), target, request.version());
  stream.expires_after(kTimeToTake);
  co_await http::async_write(stream, response, token);
  stream.socket().shutdown(Local::socket::shutdown_send, error);
}

asio::awaitable<void> Control::Impl::accept_client(std::shared_ptr<Impl> impl) {
  asio::steady_timer pause(impl->context);
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  Local::socket socket(impl->context);
  co_await impl->acceptor.async_accept(socket, token);
  if (error == asio::error::operation_aborted) co_return;
  if (error) {
    pause.expires_after(kPauseWithoutDescriptors);
    co_await pause.async_wait(token);
    co_return;
  }
  if (!is_root_peer(socket.native_handle()) || impl->clients >= kMostClients) co_return;
  ++impl->clients;
  const auto left = [impl](const std::exception_ptr&) { --impl->clients; };
  asio::co_spawn(impl->context, serve(impl, std::move(socket)), left);
}

/// Without it nobody could ask any more: it outlives whatever goes wrong with one client.
asio::awaitable<void> Control::Impl::accept_clients(std::shared_ptr<Impl> impl) {
  while (impl->acceptor.is_open()) {
    try {
      co_await accept_client(impl);
    } catch (const std::exception&) {
      // The client is hung up on.
    }
  }
}

Result<std::unique_ptr<Control>> Control::open(Loop& clients, Loop& decides,
                                               const std::string& run_dir, Handlers handlers) {
  if (auto made = make_directories(run_dir); !made) return tl::unexpected(made.error());
  const std::string path = run_dir + "/control.sock";
  constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() > kLongestPath) {
    return failure("listen at " + path, ENAMETOOLONG,
                   fmt::format("the path of a socket has at most {} bytes", kLongestPath));
  }
  auto impl = std::make_shared<Impl>(clients, decides, path, std::move(handlers));
  if (auto clear = clear_the_way(run_dir, path); !clear) {
    return tl::unexpected(clear.error());
  }
  if (const error_code error = listen_for_root(impl->acceptor, path)) {
    return failure("listen at " + path, error.value());
  }
  asio::co_spawn(clients.context(), Impl::accept_clients(impl), asio::detached);
  return std::unique_ptr<Control>(new Control(std::move(impl)));
}

Control::~Control() {
  error_code ignored;
  impl_->acceptor.close(ignored);
  ::unlink(impl_->path.c_str());
}

}  // namespace novaplane::daemon
