#pragma once

#include <vector>

#include "dataplane/cloud/cloud.h"
#include "tools/benchmark/bare_socket.h"

namespace novaplane::bench {

/// The nf_tables messages that bring up a host with this document, from BATCH_BEGIN to BATCH_END,
/// as the engine would send them at the site (which is left as it is).
std::vector<char> transaction_of(const cloud::Cloud& cloud, const Site& site);

/// Messages that exist already, and a socket: what a transaction costs the kernel.
class BareTransaction {
 public:
  BareTransaction(const Site& site, std::vector<char> messages)
      : socket_(site, NETLINK_NETFILTER), messages_(std::move(messages)) {}

  void send() { socket_.send_large(messages_); }
  void flush();  ///< `nft flush ruleset`

 private:
  BareSocket socket_;
  std::vector<char> messages_;
};

}  // namespace novaplane::bench
