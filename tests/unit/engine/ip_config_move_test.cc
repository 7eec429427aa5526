#include "dataplane/engine/host/ip_config_move.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include "tests/support/netns.h"

/// A move beside others who change the same things, in a real kernel.
namespace novaplane::engine {
namespace {

class IpConfigMoveTest : public ::testing::Test {
 protected:
  static void ip(const std::string& words) {
    ASSERT_EQ(::system(("ip " + words).c_str()), 0) << words;
  }
  void SetUp() override {
    ip("link add old up type veth peer name old-end");
    ip("link add new up type veth peer name new-end");
    ends_ = {socket_.index_of("old").value(), socket_.index_of("new").value(), "old", "new"};
  }
  std::vector<netlink::IpConfig> listed() {
    constexpr bool kRanks = false;
    return netlink::ip_config_of(socket_, ends_.from, kRanks).value();
  }

  test::NetworkNamespace netns_;
  netlink::Socket socket_ = netlink::Socket::open().value();
  netlink::Ends ends_;
};

TEST_F(IpConfigMoveTest, TellsWhoHasMovedAnIpv6AddressBefore) {
  ip("address add 2001:db8::1/64 dev old nodad");
  const auto things = listed();
  ip("address delete 2001:db8::1/64 dev old");
  ip("address add 2001:db8::1/64 dev new nodad");
  const MoveResult result = move_ip_config(socket_, things, ends_, {});
  EXPECT_FALSE(result.error);
  ASSERT_EQ(result.missing.size(), 1u) << "nobody says who has taken it";
  ASSERT_EQ(result.found.size(), 1u) << "it is not ours to take it from the new link";
  EXPECT_EQ(result.found[0], result.missing[0]);
}

TEST_F(IpConfigMoveTest, TellsWhichIpv6AddressOthersHaveTaken) {
  ip("address add 2001:db8::1/64 dev old nodad");
  const auto things = listed();
  ip("address delete 2001:db8::1/64 dev old");
  const MoveResult result = move_ip_config(socket_, things, ends_, {});
  EXPECT_EQ(result.missing.size(), 1u);
  EXPECT_TRUE(result.found.empty());
}

}  // namespace
}  // namespace novaplane::engine
