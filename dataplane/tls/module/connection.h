#pragma once

#include <mutex>
#include <thread>

#include "dataplane/tls/module/relay.h"

namespace novaplane::tls {

class TlsConnection : public Connection {
 public:
  static Result<std::unique_ptr<Connection>> to(const Server& server);
  ~TlsConnection() override;
  Fd take() override { return std::move(plain_); }
  std::string trouble() override;

 private:
  Result<void> connect(const Server& server);
  Result<void> shake_hands(const Server& server, SharedContext context, Tcp::socket socket);

  asio::io_context io_{1};
  std::shared_ptr<Relay> relay_;
  Fd plain_;
  std::thread thread_;
};

}  // namespace novaplane::tls
