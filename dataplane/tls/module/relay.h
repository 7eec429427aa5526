#pragma once

#include <chrono>
#include <string>

#include "dataplane/tls/module/context.h"

namespace novaplane::tls {

/// Carries what comes from one end of a connection to the other: TLS over TCP here, a plain Unix
/// socket there. On the thread of its io_context. Neither is read faster than the other takes it.
class Relay : public std::enable_shared_from_this<Relay> {
 public:
  Relay(asio::io_context& io, SharedContext context, Tcp::socket socket);

  ssl::stream<Tcp::socket>& tls() { return tls_; }
  /// A client that goes without a word is noticed within a minute (tcp(7)).
  void care_for_silence();
  /// Closes both ends then, unless it is told anything else before.
  void end_after(std::chrono::seconds time);
  void end_never() { deadline_.cancel(); }
  void close();

  /// The plain end, with which it begins to carry; then until one end has enough.
  Result<Fd> begin();
  /// What has ended it; empty: one of both ends wanted it so.
  const std::string& trouble() const { return trouble_; }

 private:
  using Shared = std::shared_ptr<Relay>;
  static asio::awaitable<void> carry_in(Shared self);
  static asio::awaitable<void> carry_out(Shared self);

  SharedContext context_;
  ssl::stream<Tcp::socket> tls_;
  Local::socket plain_;
  asio::steady_timer deadline_;
  std::string trouble_;
};

}  // namespace novaplane::tls
