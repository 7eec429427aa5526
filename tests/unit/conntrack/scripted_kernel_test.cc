#include "tests/support/scripted_kernel.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cerrno>
#include <memory>
#include <set>

#include "dataplane/conntrack/flows.h"
#include "dataplane/conntrack/socket.h"
#include "tests/support/netns.h"

/// What a kernel says at the worst moment, while flows are forgotten.
namespace novaplane::conntrack {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Way = Flows::Way;
using Which = FlowFilter::Which;
using Flow = std::unique_ptr<nf_conntrack, void (*)(nf_conntrack*)>;

constexpr std::uint16_t type_of(int message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | message);
}
constexpr std::uint16_t kGet = type_of(IPCTNL_MSG_CT_GET);
constexpr std::uint16_t kDelete = type_of(IPCTNL_MSG_CT_DELETE);
constexpr std::uint16_t kFlow = type_of(IPCTNL_MSG_CT_NEW);  ///< in a listing

/// Four flows of one guest, known by their source ports.
class ConntrackScriptedKernelTest : public testing::Test {
 protected:
  ConntrackScriptedKernelTest() {
    for (std::uint16_t port = 1001; port <= 1004; ++port) make(port);
  }

  void make(std::uint16_t port) {
    const Flow flow(nfct_new(), nfct_destroy);
    nfct_set_attr_u8(flow.get(), ATTR_L3PROTO, AF_INET);
    nfct_set_attr_u32(flow.get(), ATTR_IPV4_SRC, htonl(0x0a00000a));
    nfct_set_attr_u32(flow.get(), ATTR_IPV4_DST, htonl(0xc6336409));
    nfct_set_attr_u8(flow.get(), ATTR_L4PROTO, IPPROTO_UDP);
    nfct_set_attr_u16(flow.get(), ATTR_PORT_SRC, htons(port));
    nfct_set_attr_u16(flow.get(), ATTR_PORT_DST, htons(53));
    nfct_setobjopt(flow.get(), NFCT_SOPT_SETUP_REPLY);
    nfct_set_attr_u32(flow.get(), ATTR_TIMEOUT, 600);
    Message message(IPCTNL_MSG_CT_NEW, NLM_F_CREATE, AF_INET);
    nfct_nlmsg_build(message.header(), flow.get());
    const auto made = socket_.ask(message, "make a flow");
    ASSERT_TRUE(made) << made.error().message();
  }
  Result<void> forget(Way way) {
    const FlowFilter guest{Which::reply_destination, *IpAddress::parse("10.0.0.10")};
    return flows_.forget({&guest, 1}, way);
  }
  /// The source ports of those that are left.
  std::set<int> left() {
    std::set<int> ports;
    Message listing(IPCTNL_MSG_CT_GET, 0, AF_INET);
    const auto listed = socket_.list(listing, [&](const nlmsghdr* message) {
      const Flow flow(nfct_new(), nfct_destroy);
      if (nfct_nlmsg_parse(message, flow.get()) < 0) return;
      ports.insert(ntohs(nfct_get_attr_u16(flow.get(), ATTR_PORT_SRC)));
    });
    EXPECT_EQ(listed, Result<bool>(true));
    return ports;
  }
  /// The next part of a listing says that it was interrupted, and has only its first flow.
  void interrupt_after_one() {
    kernel_.edit(
        [](test::ScriptedKernel::Datagram datagram) {
          test::ScriptedKernel::mark_interrupted(datagram);
          return NLMSG_ALIGN(reinterpret_cast<const nlmsghdr*>(datagram.data())->nlmsg_len);
        },
        test::ScriptedKernel::with(kFlow));
  }

  test::NetworkNamespace netns_;
  test::ScriptedKernel kernel_{NETLINK_NETFILTER};
  Flows flows_ = *Flows::open();
  Socket socket_ = *Socket::open();
};

TEST_F(ConntrackScriptedKernelTest, SignalsInterruptNothing) {
  for (const Way way : {Way::filtered, Way::listed}) {
    kernel_.fail_send(EINTR, 3);
    kernel_.fail_receive(EINTR, 3);
    EXPECT_TRUE(forget(way));
    EXPECT_TRUE(kernel_.is_done());
    EXPECT_THAT(left(), IsEmpty());
    make(1001);
  }
}

TEST_F(ConntrackScriptedKernelTest, AListingThatWasInterruptedIsTakenAgain) {
  interrupt_after_one();
  interrupt_after_one();
  EXPECT_TRUE(forget(Way::listed));
  EXPECT_TRUE(kernel_.is_done());
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(ConntrackScriptedKernelTest, OfOneThatIsAlwaysInterruptedAllThatItToldOfGoes) {
  for (int attempt = 0; attempt < 3; ++attempt) interrupt_after_one();
  EXPECT_TRUE(forget(Way::listed));
  EXPECT_EQ(left().size(), 3u);
}

TEST_F(ConntrackScriptedKernelTest, AListingThatLostAPartIsTakenAgain) {
  kernel_.lose(1, test::ScriptedKernel::with(kFlow));
  kernel_.lose(1, test::ScriptedKernel::with(NLMSG_DONE));
  EXPECT_TRUE(forget(Way::listed));
  EXPECT_TRUE(kernel_.is_done());
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(ConntrackScriptedKernelTest, AListingThatLosesAPartEachTimeIsAnError) {
  kernel_.lose(3, test::ScriptedKernel::with(kFlow));
  const auto forgotten = forget(Way::listed);
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code, ENOBUFS);
  EXPECT_TRUE(forget(Way::listed)) << "the socket goes on";
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(ConntrackScriptedKernelTest, AFlowThatIsNotDeletedKeepsNoOther) {
  kernel_.refuse({.type = kDelete, .code = EPERM, .holding = std::string("\x03\xea", 2)});  // 1002
  const auto forgotten = forget(Way::listed);
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().message(), "delete flows: Operation not permitted (EPERM)");
  EXPECT_THAT(left(), ElementsAre(1002));
  EXPECT_TRUE(forget(Way::listed));
  EXPECT_THAT(left(), IsEmpty());
}

/// Their deletions take more than one send.
TEST_F(ConntrackScriptedKernelTest, NorDoesOneOfMany) {
  for (std::uint16_t port = 2000; port < 3000; ++port) make(port);
  kernel_.refuse({.type = kDelete, .code = EPERM, .times = 1});  // the first one of the first send
  EXPECT_FALSE(forget(Way::listed));
  EXPECT_EQ(left().size(), 1u);
}

TEST_F(ConntrackScriptedKernelTest, OneThatIsGoneMeanwhileIsNoError) {
  kernel_.refuse({.type = kDelete, .code = ENOENT, .holding = std::string("\x03\xea", 2)});
  EXPECT_TRUE(forget(Way::listed));
}

TEST_F(ConntrackScriptedKernelTest, ADeletionByFilterThatIsRefusedIsAnError) {
  kernel_.refuse({.type = kDelete, .code = EPERM, .times = 1});
  const auto forgotten = forget(Way::filtered);
  ASSERT_FALSE(forgotten);
  EXPECT_EQ(forgotten.error().code, EPERM);
  EXPECT_EQ(left().size(), 4u);
  EXPECT_TRUE(forget(Way::filtered));
  EXPECT_THAT(left(), IsEmpty());
}

/// As before Linux 4.20.
TEST_F(ConntrackScriptedKernelTest, AKernelThatCannotFilterIsAskedForAll) {
  kernel_.refuse({.type = kDelete, .code = EINVAL, .times = 1});
  EXPECT_EQ(flows_.best_way(), Result<Way>(Way::listed));
  kernel_.refuse({.type = kGet, .code = EOPNOTSUPP, .times = 1});  // nor can it list so
  const FlowFilter world{Which::original_destination, *IpAddress::parse("198.51.100.9")};
  EXPECT_TRUE(flows_.forget({&world, 1}));
  EXPECT_THAT(left(), IsEmpty());
}

}  // namespace
}  // namespace novaplane::conntrack
