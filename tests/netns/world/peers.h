#pragma once

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/netns/world/namespace.h"

/// Both ends of a conversation, in-process: servers that tell a caller who they take it for.
namespace novaplane::netns {

/// Listens on TCP and UDP of one address and port. Says to each caller, first of all, the address
/// that it sees; then repeats each line it gets. A line that starts with GET is answered in HTTP
/// with the caller's address as its body.
class Server {
 public:
  Server(const Namespace& where, const std::string& address, int port);
  ~Server();
  Server(const Server&) = delete;

  std::vector<std::string> callers() const;  ///< addresses, TCP and UDP, in order
  std::string heard() const;                 ///< all that TCP callers said

 private:
  void serve();
  void greet();
  void answer_datagram();
  bool answer(int client);

  Fd listener_, datagrams_, stop_;
  std::vector<Fd> clients_;
  std::vector<std::string> addresses_;  ///< of clients_
  mutable std::mutex mutex_;
  std::vector<std::string> callers_;
  std::string heard_;
  std::thread thread_;
};

/// A TCP connection that stays.
class Session {
 public:
  Session(const Namespace& from, const std::string& address, int port, Duration deadline = kHangs);

  bool connected() const { return static_cast<bool>(socket_); }
  const std::string& error() const { return error_; }  ///< why it is not: "Connection refused"
  const std::string& seen_as() const { return seen_as_; }
  /// True when the line came back in time. The kernel sends again meanwhile.
  bool echoes(const std::string& line, Duration deadline = kHangs);

 private:
  std::optional<std::string> line(Duration deadline);

  Fd socket_;
  std::string error_, seen_as_, buffer_;
};

/// The address that the server at `address` takes us for; or the error: "timed out".
std::string seen_at(const Namespace& from, const std::string& address, int port,
                    Duration deadline = kHangs);
std::string seen_at_udp(const Namespace& from, const std::string& address, int port,
                        Duration deadline = kHangs);

/// Body of the answer to an HTTP GET, or the error.
std::string http_get(const Namespace& from, const std::string& address, int port = 80,
                     Duration deadline = kHangs);

/// Asks a name server over UDP for an A (or AAAA) record: the address, "NXDOMAIN", "REFUSED" or
/// "timed out".
std::string resolve(const Namespace& from, const std::string& server, const std::string& name,
                    Duration deadline = kHangs, bool ipv6 = false);

/// Sends one datagram and expects nothing.
void send_datagram(const Namespace& from, const std::string& address, int port,
                   const std::string& text);

}  // namespace novaplane::netns
