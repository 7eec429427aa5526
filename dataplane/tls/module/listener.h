#pragma once

#include <deque>
#include <list>
#include <memory>
#include <thread>
#include <vector>

#include "dataplane/tls/module/relay.h"

namespace novaplane::tls {

/// Accepts, and shakes hands, on a thread of its own ("np-tls"): a handshake takes a processor a
/// millisecond or two, and whoever serves clients has no part in it.
class TlsListener : public Listener {
 public:
  TlsListener(std::vector<Fd> sockets, Files files, Events events);
  ~TlsListener() override;
  void reload() override;

 private:
  using Acceptor = Tcp::acceptor;
  void read_files();
  void work();
  void make_room();
  static asio::awaitable<void> accept(TlsListener& self, Acceptor& acceptor);
  static asio::awaitable<void> welcome(TlsListener& self, std::shared_ptr<Relay> relay,
                                       std::string address);
  void hand_over(Relay& relay, std::string address);

  asio::io_context io_{1};
  Files files_;
  Events events_;
  SharedContext context_;  ///< null: there were no good files yet
  std::list<Acceptor> acceptors_;
  std::deque<std::weak_ptr<Relay>> shaking_;  ///< hands, the oldest first
  std::vector<std::weak_ptr<Relay>> carrying_;
  std::thread thread_;
};

}  // namespace novaplane::tls
