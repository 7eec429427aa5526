#include "dataplane/tls/module/relay.h"

#include <netinet/tcp.h>

#include <array>

namespace novaplane::tls {
namespace {

using Buffer = std::array<char, 16 * 1024>;  ///< a record (RFC 8446, 5.1)

constexpr std::chrono::seconds kToTakeLeave{2};

void set(int socket, int level, int option, int value) {
  (void)::setsockopt(socket, level, option, &value, sizeof(value));
}

}  // namespace

Relay::Relay(asio::io_context& io, SharedContext context, Tcp::socket socket)
    : context_(std::move(context)),
      tls_(std::move(socket), *context_),
      plain_(io),
      deadline_(io, asio::steady_timer::time_point::max()) {}

void Relay::care_for_silence() {
  const int socket = tls_.next_layer().native_handle();
  set(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(socket, IPPROTO_TCP, TCP_KEEPIDLE, 20);
  set(socket, IPPROTO_TCP, TCP_KEEPINTVL, 10);
  set(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 50'000);
  set(socket, IPPROTO_TCP, TCP_NODELAY, 1);
}

void Relay::end_after(std::chrono::seconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([weak = weak_from_this()](const error_code& error) {
    const auto self = weak.lock();
    if (!error && self) self->close();
  });
}

void Relay::close() {
  error_code ignored;
  tls_.next_layer().close(ignored);
  plain_.close(ignored);
}

Result<Fd> Relay::begin() {
  Local::socket other(plain_.get_executor());
  error_code error;
  asio::local::connect_pair(plain_, other, error);
  if (error) return failure("make a pair of sockets", error.value());
  asio::co_spawn(plain_.get_executor(), carry_in(shared_from_this()), asio::detached);
  asio::co_spawn(plain_.get_executor(), carry_out(shared_from_this()), asio::detached);
  return Fd(other.release());
}

/// From TLS. An end that was said (close_notify) may be one of asking alone, any other is that of
/// the connection. What nobody takes is thrown away: a peer that still sends would lose what it was
/// answered (RFC 1122, 4.2.2.13).
asio::awaitable<void> Relay::carry_in(Shared self) {
  const auto buffer = std::make_unique<Buffer>();
  error_code error, unwanted;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  auto writing = asio::redirect_error(asio::use_awaitable, unwanted);
  for (;;) {
    const auto room = asio::buffer(*buffer);
    const std::size_t size = co_await self->tls_.async_read_some(room, token);
    if (error) break;
    const auto data = asio::buffer(buffer->data(), size);
    if (!unwanted) co_await asio::async_write(self->plain_, data, writing);
  }
  if (error == asio::error::eof) {
    self->plain_.shutdown(Local::socket::shutdown_send, unwanted);
    co_return;
  }
  if (error != asio::error::operation_aborted) self->trouble_ = words_of(error);
  self->close();
}

/// To TLS. The plain end has been closed: so is the connection, once the peer has had the time to
/// hear of it.
asio::awaitable<void> Relay::carry_out(Shared self) {
  const auto buffer = std::make_unique<Buffer>();
  error_code error;
  auto token = asio::redirect_error(asio::use_awaitable, error);
  for (;;) {
    const auto room = asio::buffer(*buffer);
    const std::size_t size = co_await self->plain_.async_read_some(room, token);
    if (error) break;
    const auto data = asio::buffer(buffer->data(), size);
    co_await asio::async_write(self->tls_, data, token);
    if (error) {
      self->close();
      co_return;
    }
  }
  self->end_after(kToTakeLeave);
  co_await self->tls_.async_shutdown(token);
  self->end_never();
  self->close();
}

}  // namespace novaplane::tls
