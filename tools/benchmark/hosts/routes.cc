#include "tools/benchmark/hosts/routes.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <stdexcept>

namespace novaplane::bench {
namespace {

constexpr int kHangsMs = 60'000;
constexpr int kReceiveBytes = 8 << 20;

bool is_to(const nlmsghdr* message, const in_addr& address) {
  const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(message));
  int left = static_cast<int>(RTM_PAYLOAD(message));
  for (const rtattr* attribute = RTM_RTA(route); RTA_OK(attribute, left);
       attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == RTA_DST && RTA_PAYLOAD(attribute) == sizeof(address)) {
      return std::memcmp(RTA_DATA(attribute), &address, sizeof(address)) == 0;
    }
  }
  return false;
}

}  // namespace

Routes::Routes(const Netns& netns) : socket_(netns.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC)) {
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = RTMGRP_IPV4_ROUTE;
  (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBytes,
                     sizeof(kReceiveBytes));
  if (::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
    throw std::runtime_error("no events of routes");
  }
}

bool Routes::has_told(const std::string& text, bool is_there) {
  in_addr address{};
  ::inet_pton(AF_INET, text.c_str(), &address);
  alignas(nlmsghdr) std::array<char, 1 << 16> buffer{};
  int left = static_cast<int>(::recv(socket_.get(), buffer.data(), buffer.size(), 0));
  bool found = false;
  for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(message, left);
       message = NLMSG_NEXT(message, left)) {
    found |=
        message->nlmsg_type == (is_there ? RTM_NEWROUTE : RTM_DELROUTE) && is_to(message, address);
  }
  return found;
}

void Routes::await(const std::string& address, bool is_there) {
  for (;;) {
    pollfd asked{socket_.get(), POLLIN, 0};
    if (::poll(&asked, 1, kHangsMs) != 1) throw std::runtime_error("no route to " + address);
    if (has_told(address, is_there)) return;
  }
}

}  // namespace novaplane::bench
