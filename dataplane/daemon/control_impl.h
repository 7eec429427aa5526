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
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "dataplane/daemon/accounts.h"
#include "dataplane/daemon/control.h"
#include "dataplane/daemon/control_file.h"
#include "dataplane/daemon/places.h"
#include "dataplane/daemon/reports.h"

/// What the parts of the control socket share: control.cc lets in, control_client.cc serves,
/// control_api.cc asks a store, control_answer.cc waits for who answers.
namespace novaplane::daemon {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using Local = asio::local::stream_protocol;
using Stream = beast::basic_stream<Local>;
using boost::system::error_code;

constexpr std::size_t kMostHeaderBytes = 8 * 1024, kMostBodyBytes = 64 * 1024;
constexpr std::chrono::seconds kLongestAnswer{60};  ///< but for passes, which know their deadline
constexpr int kMostClients = 64, kMostWatches = 64;
constexpr int kMostWaiting = 16;   ///< of the clients, for passes: others get answers meanwhile
constexpr int kMostDocuments = 4;  ///< of up to 64 MiB each

inline Control::Reply error_reply(http::status status, std::string_view sentence) {
  return {static_cast<unsigned>(status), error_json(sentence)};
}
/// RFC 9457.
Control::Reply problem_reply(http::status status, std::string sentence);
/// 503: all places that the caller may have are taken. `what`: "watches".
Control::Reply busy_reply(const Caller& caller, std::string_view what);

/// The peer has closed its end, not only for writing (net/unix/af_unix.c, unix_poll).
bool has_hung_up(Local::socket& socket);
/// For a client to take that much: ten seconds, and more for more than a slow line takes in them.
std::chrono::seconds time_to_take(std::size_t bytes);

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

/// Somebody who is connected, with one request.
struct Control::Client {
  Client(Local::socket socket, Caller caller)
      : caller(std::move(caller)), stream(std::move(socket)) {
    parser.header_limit(kMostHeaderBytes);
    parser.body_limit(api::kMostBody);  // Content-Length is compared with it within the header
  }
  Client(const Client&) = delete;
  bool is_root() const { return caller.role == Role::root; }
  Places::Place place_of(Places& places) const { return places.take(caller.account, is_root()); }

  Caller caller;
  Stream stream;
  beast::flat_buffer buffer{kMostHeaderBytes + kMostBodyBytes};
  http::request_parser<http::string_body> parser;
  Places::Place place, document;
};

struct Control::Impl : std::enable_shared_from_this<Control::Impl> {
  Impl(Loop& clients, Loop& decides, ControlFile file, Settings settings, Handlers handlers)
      : context(clients.context()),
        clients(clients),
        decides(decides),
        acceptor(context),
        file(std::move(file)),
        settings(std::move(settings)),
        handlers(std::move(handlers)),
        accounts(std::make_unique<Accounts>(clients)),
        look(clients, "look for groups") {}

  asio::io_context& context;
  Loop &clients, &decides;
  Local::acceptor acceptor;
  ControlFile file;
  Settings settings;
  Handlers handlers;
  Places places{kMostClients}, passes{kMostWaiting}, watches{kMostWatches},
      documents{kMostDocuments};
  std::optional<GroupIds> admitted;  ///< that the file has; what failed is not tried for them again
  std::unique_ptr<Accounts> accounts;
  std::unique_ptr<TlsClients> tls;
  Timer look;

  // control.cc
  void take(Fd plain, const tls::Subject& subject);
  static void look_for_groups(const std::weak_ptr<Impl>& weak);
  void admit(const GroupIds& ids);
  static asio::awaitable<void> accept_clients(std::shared_ptr<Impl> impl);
  static asio::awaitable<void> accept_client(std::shared_ptr<Impl> impl);
  std::optional<Caller> caller_at(Local::socket& socket) const;

  // Coroutines that share the Impl: a client may outlive the rest. Those that return a reply have
  // none for a client that has gone.
  using Given = std::optional<Reply>;

  // control_client.cc
  static asio::awaitable<void> serve(std::shared_ptr<Impl> impl, Local::socket socket,
                                     Caller caller);
  static asio::awaitable<Given> attend(std::shared_ptr<Impl> impl, std::shared_ptr<Client> client);
  static asio::awaitable<Given> receive(std::shared_ptr<Impl> impl, std::shared_ptr<Client> client,
                                        bool* is_whole);
  static asio::awaitable<void> find_name(std::shared_ptr<Impl> impl,
                                         std::shared_ptr<Client> client);
  static asio::awaitable<void> say(std::shared_ptr<Client> client, Reply reply);
  Given refusal_of(Client& client);

  // control_answer.cc
  using Question = std::function<void(Answer)>;
  Question question_of(const std::string& target) const;
  void ask(const char* name, Question question, const Answer& answer);
  static asio::awaitable<Given> awaited(std::shared_ptr<Answer::Gate> gate, Local::socket& socket);
  static asio::awaitable<Given> answered(std::shared_ptr<Impl> impl, Local::socket& socket,
                                         std::string target);

  // control_api.cc
  static asio::awaitable<Given> of_api(std::shared_ptr<Impl> impl, std::shared_ptr<Client> client);
  static asio::awaitable<Given> of_news(std::shared_ptr<Impl> impl, Local::socket& socket,
                                        api::WatchRequest request, bool waits);
  static asio::awaitable<Given> watch(std::shared_ptr<Impl> impl, std::shared_ptr<Client> client,
                                      api::WatchRequest request);
};

/// Below /v1: the control API's.
bool is_of_api(beast::string_view target);
/// The method that a target takes; none: there is no such target. But for the control API's.
std::optional<http::verb> method_of(std::string_view target);
bool waits_for_pass(std::string_view target);
/// "/uplinks/wan/drain": the uplink's name, and whether it is to be drained.
std::optional<std::pair<std::string, bool>> drain_of(std::string_view target);

}  // namespace novaplane::daemon
