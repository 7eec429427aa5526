#include "dataplane/tls/module/connection.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <cerrno>

namespace novaplane::tls {
namespace {

constexpr std::chrono::seconds kToConnect{10}, kToShakeHands{10};

std::string step_of(const Server& server) {
  return fmt::format("connect to {} port {}", server.host, server.port);
}

bool is_address(const std::string& host) {
  error_code error;
  asio::ip::make_address(host, error);
  return !error;
}

}  // namespace

Result<std::unique_ptr<Connection>> TlsConnection::to(const Server& server) {
  auto connection = std::make_unique<TlsConnection>();
  if (auto connected = connection->connect(server); !connected) {
    return tl::unexpected(connected.error());
  }
  return connection;
}

TlsConnection::~TlsConnection() {
  io_.stop();
  if (thread_.joinable()) thread_.join();
}

Result<void> TlsConnection::connect(const Server& server) {
  auto context = client_context(server.files);
  if (!context) return tl::unexpected(context.error());
  error_code error;
  const auto found = Tcp::resolver(io_).resolve(server.host, server.port, error);
  if (error) return failure(step_of(server), error.message());
  Tcp::socket socket(io_);
  error = asio::error::timed_out;
  asio::async_connect(socket, found,
                      [&error](const error_code& result, const auto&) { error = result; });
  io_.run_for(kToConnect);
  if (error) {
    socket.close();
    io_.restart();
    io_.run();  // what was begun ends here
    const bool is_late = error == asio::error::operation_aborted;
    return failure(step_of(server), is_late ? ETIMEDOUT : error.value());
  }
  return shake_hands(server, std::move(*context), std::move(socket));
}

Result<void> TlsConnection::shake_hands(const Server& server, SharedContext context,
                                        Tcp::socket socket) {
  relay_ = std::make_shared<Relay>(io_, std::move(context), std::move(socket));
  auto& tls = relay_->tls();
  tls.set_verify_callback(ssl::host_name_verification(server.host));
  if (!is_address(server.host)) {
    SSL_set_tlsext_host_name(tls.native_handle(), server.host.c_str());
  }
  relay_->care_for_silence();
  error_code error;
  relay_->end_after(kToShakeHands);
  tls.async_handshake(ssl::stream_base::client, [this, &error](const error_code& result) {
    error = result;
    relay_->end_never();
  });
  io_.restart();
  io_.run();
  if (error == asio::error::operation_aborted) return failure(step_of(server), ETIMEDOUT);
  if (error) return failure(step_of(server), words_of(error, tls.native_handle()));
  auto plain = relay_->begin();
  if (!plain) return tl::unexpected(plain.error());
  plain_ = std::move(*plain);
  io_.restart();
  thread_ = std::thread([this] { io_.run(); });
  return {};
}

/// The thread ends with the connection, or soon after it was closed.
std::string TlsConnection::trouble() {
  if (thread_.joinable()) thread_.join();
  return relay_->trouble();
}

}  // namespace novaplane::tls
