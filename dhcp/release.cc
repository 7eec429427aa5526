#include "dhcp/release.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/base/fd.h"

namespace novaplane::dhcp {
namespace {

using Message = std::vector<std::uint8_t>;

// The fixed part of RFC 2131's message (figure 1) and the options that follow the magic cookie.
constexpr std::size_t kOp = 0, kHardwareType = 1, kHardwareLength = 2, kTransaction = 4,
                      kClientAddress = 12, kHardwareAddress = 28, kCookie = 236;
constexpr std::size_t kSmallestMessage = 300;  // RFC 1542, 2.1
constexpr std::uint8_t kBootRequest = 1, kEthernet = 1;
constexpr std::uint8_t kMessageType = 53, kRelease = 7, kServerIdentifier = 54, kEnd = 255;
constexpr std::uint16_t kServerPort = 67;

void put(Message& message, std::size_t at, std::span<const std::uint8_t> bytes) {
  std::copy(bytes.begin(), bytes.end(), message.begin() + static_cast<std::ptrdiff_t>(at));
}

sockaddr_in socket_address(const IpAddress& address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_port = htons(port);
  result.sin_addr.s_addr = htonl(address.v4_value());
  return result;
}

}  // namespace

Message release_message(const Lease& lease, const IpAddress& server) {
  Message message(kSmallestMessage, 0);
  message[kOp] = kBootRequest;
  message[kHardwareType] = kEthernet;
  message[kHardwareLength] = static_cast<std::uint8_t>(lease.mac.bytes.size());
  put(message, kTransaction, std::span(lease.mac.bytes).subspan(2));
  put(message, kClientAddress, lease.address.bytes());
  put(message, kHardwareAddress, lease.mac.bytes);
  const std::uint8_t type[] = {99, 130, 83, 99, kMessageType, 1, kRelease, kServerIdentifier, 4};
  put(message, kCookie, type);
  put(message, kCookie + sizeof type, server.bytes());
  message[kCookie + sizeof type + 4] = kEnd;
  return message;
}

/// The server's socket hears only what comes in by its device. What a socket that is bound to a
/// device sends to that device's own address counts as such (net/ipv4/route.c: orig_oif).
Result<void> release(const std::string& device, const IpAddress& server,
                     const std::vector<Lease>& leases) {
  const auto failed = [&] {
    const int code = errno;
    return failure(fmt::format("release leases on {}", device), code);
  };
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || ::setsockopt(socket.get(), SOL_SOCKET, SO_BINDTODEVICE, device.data(),
                              static_cast<socklen_t>(device.size())) != 0) {
    return failed();
  }
  const sockaddr_in to = socket_address(server, kServerPort);
  for (const Lease& lease : leases) {
    const Message message = release_message(lease, server);
    if (::sendto(socket.get(), message.data(), message.size(), 0,
                 reinterpret_cast<const sockaddr*>(&to), sizeof to) < 0) {
      return failed();
    }
  }
  return {};
}

}  // namespace novaplane::dhcp
