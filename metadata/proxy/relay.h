#pragma once

#include <utility>  // Boost 1.74's Asio uses std::exchange without it

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <memory>
#include <string>

#include "metadata/guests.h"
#include "metadata/settings.h"

namespace novaplane::metadata {

/// What all clients share; changed between their requests only (one thread).
struct Shared {
  Settings settings;
  std::string secret;
  Guests guests;
  /// Of the server: "it did not answer: Connection refused".
  std::function<void(const std::string&)> complain;
};

/// One client's requests, one after the other, until it leaves, is silent for too long, or asks
/// what is no request. Each is sent to the server over a connection of its own; a body is held back
/// until it is whole, an answer passes in pieces. Whatever goes wrong ends this client alone.
boost::asio::awaitable<void> serve(std::shared_ptr<const Shared> shared,
                                   boost::asio::ip::tcp::socket client);

}  // namespace novaplane::metadata
