#include "dataplane/nft/socket.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <cerrno>

#include "dataplane/base/fd.h"
#include "dataplane/base/netlink_io.h"
#include "dataplane/nft/monitor.h"
#include "tests/unit/nft/kernel_fixture.h"

namespace novaplane::nft {
namespace {

/// Another process with the right to send what only the kernel should.
class OthersTest : public KernelTest {
 protected:
  struct NewGen {
    nlmsghdr header{sizeof(NewGen), NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 0, 0, 0};
    nfgenmsg generic{};
    nlattr attribute{sizeof(nlattr) + sizeof(std::uint32_t), NFTA_GEN_ID};
    std::uint32_t id = htonl(4711);
  };

  OthersTest() {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    EXPECT_EQ(::bind(other_.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }

  /// To a socket's port id or to a group: 0, or the errno.
  int send(std::uint32_t port, std::uint32_t groups, const void* data, std::size_t size) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_pid = port;
    address.nl_groups = groups;
    const auto sent = ::sendto(other_.get(), data, size, MSG_DONTWAIT,
                               reinterpret_cast<sockaddr*>(&address), sizeof(address));
    return sent < 0 ? errno : 0;
  }

  Fd other_{::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER)};
};

TEST_F(OthersTest, CannotAnswerWhatTheKernelIsAsked) {
  nlmsghdr done{sizeof(done), NLMSG_DONE, 0, 0x40000001, 0};
  EXPECT_EQ(send(client_.port_id(), 0, &done, sizeof(done)), ECONNREFUSED);
  program({managed("br-blue")});
  EXPECT_EQ(seen(), Elements{managed("br-blue")});
}

TEST_F(OthersTest, CannotTellOfAGenerationThatIsNone) {
  Monitor monitor = *Monitor::open(reference_ruleset());
  std::vector<std::uint32_t> generations;
  const auto hear = [&](Event event) {
    if (const auto* news = std::get_if<NewGeneration>(&event.what)) generations.push_back(news->id);
  };
  const NewGen forged;
  send(0, 1U << (NFNLGRP_NFTABLES - 1), &forged, sizeof(forged));
  program({});
  const auto drained = monitor.drain(hear);
  ASSERT_TRUE(drained && *drained == Monitor::Drained::all);
  EXPECT_EQ(generations, std::vector{*client_.generation()});
}

/// Everything that the kernel refuses is answered: more than the socket's buffer holds.
TEST_F(OthersTest, AnswersThatWereLostDoNotSpoilTheNextRequest) {
  auto socket = *Socket::open();
  const int least = 1;
  ASSERT_EQ(setsockopt(socket.fd(), SOL_SOCKET, SO_RCVBUF, &least, sizeof(least)), 0);
  nlmsghdr unknown{sizeof(unknown), NFNL_SUBSYS_NFTABLES << 8 | 0xff, NLM_F_REQUEST | NLM_F_ACK, 1,
                   0};
  const std::vector<iovec> parts(500, iovec{&unknown, sizeof(unknown)});
  ASSERT_TRUE(socket.send(parts));
  Result<std::span<const std::byte>> datagram = socket.receive(Socket::Wait::no);
  while (datagram && !datagram->empty()) datagram = socket.receive(Socket::Wait::no);
  ASSERT_FALSE(datagram);
  EXPECT_EQ(datagram.error().code, ENOBUFS);
  discard_waiting(socket.fd());
  ASSERT_TRUE(socket.send(std::span(parts).first(1)));
  datagram = socket.receive(Socket::Wait::no);
  EXPECT_TRUE(datagram && !datagram->empty());
}

}  // namespace
}  // namespace novaplane::nft
