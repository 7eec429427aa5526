#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/netns/world/namespace.h"

/// HTTP as it is on the wire, in-process: what exactly a server is asked, and what exactly it says.
namespace novaplane::netns {

/// Answers requests as a test wants, one connection after the other, each of one request.
class HttpServer {
 public:
  using Answer = std::function<std::string(const std::string& request)>;

  /// Without `answer`: 200, and "hello".
  HttpServer(const Namespace& where, const std::string& address, int port, Answer answer = {});
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;

  std::vector<std::string> requests() const;  ///< whole, with header and body
  std::vector<std::string> callers() const;   ///< the address that each came from

 private:
  void serve();
  void answer(const Fd& client);

  Answer answer_;
  Fd listener_, stop_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_, callers_;
  std::thread thread_;
};

/// "200 OK" with that body and those header lines ("X: y\r\n").
std::string http_ok(const std::string& body, const std::string& headers = {});

/// A connection over which nothing is said yet; none: it was refused.
Fd connection(const Namespace& from, const std::string& address, int port);

/// What a server says to these bytes until it closes, or until `end` stands in it; or the error:
/// "timed out", "Connection refused".
std::string converse(const Namespace& from, const std::string& address, int port,
                     const std::string& said, const std::string& end = {},
                     Duration deadline = kHangs);

/// One request of an own connection: "GET" of a path, with header lines. The whole answer.
std::string http_request(const Namespace& from, const std::string& address,
                         const std::string& method_and_path, const std::string& headers = {},
                         const std::string& body = {});

}  // namespace novaplane::netns
