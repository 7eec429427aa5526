#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/daemon/change_log.h"
#include "dataplane/daemon/document_watch.h"
#include "dataplane/daemon/loop.h"
#include "dataplane/tls/tls.h"

namespace novaplane::daemon {

struct ListenAddress {
  IpAddress address;
  std::uint16_t port = 0;
  bool operator==(const ListenAddress&) const = default;
  /// "192.0.2.11:8443", "[2001:db8::11]:8443", "0.0.0.0:8443"
  static std::optional<ListenAddress> parse(std::string_view text);
  std::string to_string() const;
};

/// Clients over TCP, with TLS and a certificate of their own (tls/tls.h). Whatever is missing for
/// it keeps nothing else from working: it is logged once, and tried again by attempt().
class TlsClients {
 public:
  struct Settings {
    std::vector<ListenAddress> addresses;  ///< none: nobody listens
    tls::Files files;
  };
  /// A client, as a plain socket that is not blocking; by the loop.
  using OnClient = std::function<void(Fd plain, tls::Subject)>;

  TlsClients(Loop& clients, Settings settings, OnClient on_client);
  TlsClients(const TlsClients&) = delete;

  // --- by the loop
  void attempt();  ///< listens, unless it does
  void reload();   ///< reads the files again, as it does by itself when they change

 private:
  Result<void> listen();
  tls::Listener::Events events();
  void watch_files();

  Loop& loop_;
  Settings settings_;
  OnClient on_client_;
  LineBudget lines_{LineBudget::Clock::now()};  ///< about clients: the listener's thread's
  std::string told_;                            ///< why it does not listen
  std::vector<std::unique_ptr<DocumentWatch>> watches_;
  std::unique_ptr<tls::Listener> listener_;
};

}  // namespace novaplane::daemon
