#pragma once

#include <sys/socket.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

/// TLS for the control API, both ends. OpenSSL is in a module (module/), which is loaded when
/// somebody listens or connects, and at no other time. What is sent and received is the module's
/// and its thread's to encrypt: whoever uses a connection has a plain Unix socket.
namespace novaplane::tls {

/// PEM files. All connections are at least of TLS 1.2, and both ends have a certificate.
struct Files {
  std::string certificate;  ///< one's own, with those that lead to its authority
  std::string key;
  std::string authorities;  ///< that the other end's certificate has to be from
};

/// Whom a client's certificate says to be (RFC 5280, 4.1.2.6).
struct Subject {
  std::string common_name;                 ///< empty: it has none
  std::vector<std::string> organisations;  ///< O, in its order
  std::string address;                     ///< where it comes from: "192.0.2.7"
};

/// Takes clients whose certificates are good.
class Listener {
 public:
  struct Events {
    /// By the listener's thread. The socket is not blocking. It is closed by the other end when the
    /// client has gone, and has to be closed to end the connection.
    std::function<void(Fd plain, Subject)> on_client;
    /// By the listener's thread: what went wrong, in a sentence, of one client, or of the files.
    std::function<void(const std::string&)> on_client_error, on_files_error;
    std::function<void()> on_files_read;  ///< also after they have been read again
  };
  virtual ~Listener() = default;
  /// Reads the files again. Connections stay as they are; files that cannot be used change nothing.
  virtual void reload() = 0;
};

/// A connection to a server whose certificate is good, and of its name.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual Fd take() = 0;  ///< the plain socket, once
  /// Why it has ended, where it was not by the will of one of both: a server refuses a client's
  /// certificate after the client has begun to speak (RFC 8446, 4.4.2.4). Empty: it was.
  virtual std::string trouble() = 0;
};

struct Server {
  std::string host;  ///< a name or an address, which its certificate has to have
  std::string port;  ///< "8443"
  /// Of the client. No authorities: those that this machine trusts. No certificate: none is sent.
  Files files;
};

/// What the module exports.
class Module {
 public:
  virtual ~Module() = default;
  /// Sockets that are listened at, in any number. Files that cannot be used are an event, and
  /// nobody is let in until they can.
  virtual Result<std::unique_ptr<Listener>> listen(std::vector<Fd> sockets, Files files,
                                                   Listener::Events events) = 0;
  /// Waits for the connection, 10 s at most for each address of the server.
  virtual Result<std::unique_ptr<Connection>> connect(const Server& server) = 0;
};

/// Loads it; an error says what to install.
Result<Module*> module();

}  // namespace novaplane::tls
