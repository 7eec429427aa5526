#include <fmt/format.h>
#include <poll.h>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "dataplane/api/problem.h"
#include "dataplane/daemon/control_impl.h"

/// One client, from its request to the reply. Whatever goes wrong with it ends it alone.
namespace novaplane::daemon {
namespace {

constexpr std::chrono::seconds kTimeToAsk{5};
constexpr std::chrono::seconds kTimeToSend{20}, kTimeToSendDocument{60};
constexpr std::chrono::seconds kTimeToTake{10};
constexpr std::size_t kSlowLine = 256 * 1024;  ///< bytes a second
constexpr unsigned kHttp11 = 11;

using Reply = Control::Reply;

Reply reply_of(api::Reply reply) {
  return {reply.status, std::move(reply.body), std::move(reply.content_type),
          std::move(reply.headers)};
}

bool is_document(const http::request<http::string_body>& request) {
  return request.method() == http::verb::post && request.target().starts_with("/v1/apply");
}

std::size_t most_of(const http::request<http::string_body>& request) {
  if (!is_of_api(request.target())) return kMostBodyBytes;
  return is_document(request) ? api::kMostBody : api::kMostObject;
}

Reply too_large(std::size_t most) {
  return problem_reply(http::status::payload_too_large,
                       fmt::format("the body is larger than {} KiB", most / 1024));
}

/// Who asks for nothing that there is.
std::optional<Reply> no_such(http::verb method, const std::string& target) {
  const auto right = method_of(target);
  if (!right) return error_reply(http::status::not_found, "there is no " + target);
  if (method == *right) return std::nullopt;
  return error_reply(http::status::method_not_allowed,
                     fmt::format("{} takes {}", target, std::string(http::to_string(*right))));
}

http::response<http::string_body> response_of(Reply reply, const std::string& target,
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

/// None: it has hung up, or was too slow.
std::optional<Reply> unreadable(const error_code& error, std::size_t most) {
  if (error == beast::error::timeout || error == http::error::end_of_stream) return std::nullopt;
  if (error == http::error::body_limit) return too_large(most);
  return error_reply(http::status::bad_request, "not a request: " + error.message());
}

}  // namespace

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

std::optional<http::verb> method_of(std::string_view target) {
  if (target == "/pass" || target == "/trial" || target == "/trial/end") return http::verb::post;
  if (target == "/status" || target == "/show" || target == "/uplinks") return http::verb::get;
  if (drain_of(target)) return http::verb::post;
  return std::nullopt;
}

bool waits_for_pass(std::string_view target) {
  return method_of(target) == http::verb::post && !drain_of(target);
}

bool has_hung_up(Local::socket& socket) {
  pollfd asked{socket.native_handle(), 0, 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & (POLLHUP | POLLERR)) != 0;
}

std::chrono::seconds time_to_take(std::size_t bytes) {
  return kTimeToTake + std::chrono::seconds(bytes / kSlowLine);
}

Reply problem_reply(http::status status, std::string sentence) {
  return reply_of(api::reply_to({static_cast<unsigned>(status), std::move(sentence)}));
}

Reply busy_reply(const Caller& caller, std::string_view what) {
  Reply reply =
      problem_reply(http::status::service_unavailable,
                    fmt::format("too many {} of {}, or of all: try again", what, caller.account));
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

/// What is wrong with a request by its header alone.
Control::Impl::Given Control::Impl::refusal_of(Client& client) {
  const auto& request = client.parser.get();
  const std::string method(request.method_string()), target(request.target());
  if (std::string why = denial_of(client.caller, method, target); !why.empty()) {
    return problem_reply(http::status::forbidden, std::move(why));
  }
  const bool has_api = is_of_api(target) && handlers.api;
  if (auto none = has_api ? std::nullopt : no_such(request.method(), target)) return none;
  const std::size_t most = most_of(request);
  const auto length = client.parser.content_length();
  if (length && *length > most) return too_large(most);
  client.parser.body_limit(most);
  const bool is_large = is_document(request) && (!length || *length > api::kMostObject);
  if (!is_large) return std::nullopt;
  client.document = client.place_of(documents);
  if (!client.document) return busy_reply(client.caller, "large documents");
  return std::nullopt;
}

/// A reply to a request that is refused before all of it has come; `is_whole`: it is none of those.
asio::awaitable<Control::Impl::Given> Control::Impl::receive(std::shared_ptr<Impl> impl,
                                                             std::shared_ptr<Client> client,
                                                             bool* is_whole) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  client->stream.expires_after(kTimeToAsk);
  co_await http::async_read_header(client->stream, client->buffer, client->parser, token);
  if (error) co_return unreadable(error, api::kMostBody);
  co_await find_name(impl, client);
  Given refused = impl->refusal_of(*client);
  if (refused) co_return refused;
  if (is_of_api(client->parser.get().target())) {
    client->stream.expires_after(client->document ? kTimeToSendDocument : kTimeToSend);
  }
  co_await http::async_read(client->stream, client->buffer, client->parser, token);
  if (error) co_return unreadable(error, most_of(client->parser.get()));
  *is_whole = true;
  co_return std::nullopt;
}

/// (GCC 12 destroys some temporaries of a co_await expression twice: all are named here.)
asio::awaitable<Control::Impl::Given> Control::Impl::attend(std::shared_ptr<Impl> impl,
                                                            std::shared_ptr<Client> client) {
  bool is_whole = false;
  Given refused = co_await receive(impl, client, &is_whole);
  if (!is_whole) co_return refused;
  client->stream.expires_never();
  if (has_hung_up(client->stream.socket())) co_return std::nullopt;
  const std::string target(client->parser.get().target());
  if (is_of_api(target) && impl->handlers.api) {
    Given reply = co_await of_api(impl, client);
    co_return reply;
  }
  Places::Place pass;
  if (waits_for_pass(target)) {
    pass = client->place_of(impl->passes);
    if (!pass) co_return busy_reply(client->caller, "requests for a pass");
  }
  Given reply = co_await answered(impl, client->stream.socket(), target);
  co_return reply;
}

asio::awaitable<void> Control::Impl::say(std::shared_ptr<Client> client, Reply reply) {
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  const auto& request = client->parser.get();
  const unsigned version = request.version() == 0 ? kHttp11 : request.version();
  const std::size_t size = reply.body.size();
  auto response = response_of(std::move(reply), std::string(request.target()), version);
  client->stream.expires_after(time_to_take(size));
  co_await http::async_write(client->stream, response, token);
  client->stream.socket().shutdown(Local::socket::shutdown_send, error);
}

asio::awaitable<void> Control::Impl::serve(std::shared_ptr<Impl> impl, Local::socket socket,
                                           Caller caller) {
  const auto client = std::make_shared<Client>(std::move(socket), std::move(caller));
  client->place = client->place_of(impl->places);
  Given reply;
  if (client->place) {
    reply = co_await attend(impl, client);
  } else {
    reply = busy_reply(client->caller, "requests");
  }
  if (!reply) co_return;
  co_await say(client, std::move(*reply));
}

}  // namespace novaplane::daemon
