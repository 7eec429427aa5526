#include "dataplane/conntrack/socket.h"

#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cerrno>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "dataplane/base/fd.h"
#include "tests/support/netns.h"

namespace novaplane::conntrack {
namespace {

/// Of all netfilter sockets of the namespace, as the kernel lists them.
std::set<std::uint32_t> port_ids() {
  std::set<std::uint32_t> found;
  std::ifstream listing("/proc/thread-self/net/netlink");
  for (std::string line; std::getline(listing, line);) {
    std::istringstream fields(line);
    std::string socket, protocol;
    std::uint32_t port = 0;
    if (fields >> socket >> protocol >> port && protocol == "12" && port != 0) found.insert(port);
  }
  return found;
}

TEST(ConntrackSocketTest, TakesNoAnswerFromAnotherProcess) {
  const test::NetworkNamespace netns;
  const Fd other(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  auto socket = Socket::open();
  ASSERT_TRUE(socket) << socket.error().message();
  const auto ports = port_ids();
  ASSERT_EQ(ports.size(), 1U);
  nlmsghdr done{sizeof(done), NLMSG_DONE, 0, 1, 0};
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_pid = *ports.begin();
  EXPECT_LT(::sendto(other.get(), &done, sizeof(done), MSG_DONTWAIT,
                     reinterpret_cast<sockaddr*>(&address), sizeof(address)),
            0);
  EXPECT_EQ(errno, ECONNREFUSED);
  Message listing(IPCTNL_MSG_CT_GET, 0, AF_INET);
  EXPECT_EQ(socket->list(listing, [](const nlmsghdr*) {}), Result<bool>(true));
}

TEST(ConntrackSocketTest, AMessageTakesNoMoreThanItHasRoomFor) {
  Message message(IPCTNL_MSG_CT_DELETE, 0, AF_INET);
  alignas(nlattr) char long_one[1024] = {};
  auto* attribute = reinterpret_cast<nlattr*>(long_one);
  attribute->nla_type = CTA_TUPLE_ORIG;
  attribute->nla_len = sizeof(long_one);
  EXPECT_TRUE(message.put(attribute));
  EXPECT_FALSE(message.put(attribute));
  EXPECT_LT(message.bytes().size(), 2048U);
}

}  // namespace
}  // namespace novaplane::conntrack
