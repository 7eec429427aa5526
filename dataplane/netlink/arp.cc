#include "dataplane/netlink/arp.h"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "dataplane/netlink/advertisement.h"
#include "dataplane/netlink/frames.h"

namespace novaplane::netlink {
namespace {

ArpFrame ruleset_of(std::uint16_t operation, const Mac& mac, const IpAddress& address) {
  ArpFrame frame{};
  std::fill(std::begin(frame.ethernet.ether_dhost), std::end(frame.ethernet.ether_dhost), 0xff);
  std::copy(mac.bytes.begin(), mac.bytes.end(), frame.ethernet.ether_shost);
  frame.ethernet.ether_type = htons(ETHERTYPE_ARP);
  frame.arp = {htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4, htons(operation)};
  std::copy(mac.bytes.begin(), mac.bytes.end(), frame.sender_mac);
  const auto bytes = address.bytes();
  std::copy(bytes.begin(), bytes.end(), frame.sender_address);
  std::copy(bytes.begin(), bytes.end(), frame.target_address);
  // In the request the target's MAC is what is asked for; in the reply it is again the sender's.
  if (operation == ARPOP_REPLY) std::copy(mac.bytes.begin(), mac.bytes.end(), frame.target_mac);
  return frame;
}

template <class T>
std::string bytes_of(const T& frame) {
  return {reinterpret_cast<const char*>(&frame), sizeof(frame)};
}

std::vector<std::string> frames_of(const Mac& mac, const IpAddress& address,
                                   const std::optional<Mac>& elsewhere) {
  if (!address.is_v4()) return {advertisement_of(mac, address)};
  std::vector<std::string> frames;
  for (const std::uint16_t operation : {ARPOP_REQUEST, ARPOP_REPLY}) {
    ArpFrame frame = ruleset_of(operation, elsewhere.value_or(mac), address);
    // A switch learns from the frame's own source where that is, not from what it says.
    std::copy(mac.bytes.begin(), mac.bytes.end(), frame.ethernet.ether_shost);
    frames.push_back(bytes_of(frame));
  }
  return frames;
}

}  // namespace

Result<ArpSocket> ArpSocket::open() {
  Fd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // protocol 0: sends only
  if (!fd) return failure("open a packet socket", errno);
  return ArpSocket(std::move(fd));
}

Result<void> ArpSocket::announce(int link, const Mac& mac, const IpAddress& address,
                                 const std::optional<Mac>& elsewhere) {
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_protocol = htons(address.is_v4() ? ETHERTYPE_ARP : ETHERTYPE_IPV6);
  to.sll_ifindex = link;
  for (const std::string& frame : frames_of(mac, address, elsewhere)) {
    const auto* target = reinterpret_cast<const sockaddr*>(&to);
    if (sendto(fd_.get(), frame.data(), frame.size(), 0, target, sizeof(to)) < 0) {
      return failure(fmt::format("announce {} at {}", address, mac), errno);
    }
  }
  return {};
}

}  // namespace novaplane::netlink
