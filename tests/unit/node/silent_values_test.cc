#include "dataplane/node/silent_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "dataplane/netlink/socket.h"
#include "tests/support/netns.h"

namespace novaplane::node {
namespace {

using testing::ElementsAre;

class SilentValuesTest : public testing::Test {
 protected:
  static void shell(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
  }
  static int index(const std::string& link) {
    return netlink::Socket::open().value().index_of(link).value();
  }
  void SetUp() override {
    shell("ip link add br0 type bridge; ip link add br1 type bridge");
    auto opened = SilentValues::open();
    ASSERT_TRUE(opened) << opened.error().message();
    values_.emplace(std::move(*opened));
    const Changed first = values_->look(kSysctls);
    EXPECT_TRUE(first.sysctls) << "wanted from now on";
    EXPECT_FALSE(first.proxies || !first.links.empty());
  }

  const std::vector<engine::SysctlKey> kSysctls{"net/ipv4/neigh/br0/proxy_delay"};
  test::NetworkNamespace netns_;
  std::optional<SilentValues> values_;
};

TEST_F(SilentValuesTest, NothingHasChanged) { EXPECT_FALSE(values_->look(kSysctls).any()); }

TEST_F(SilentValuesTest, OfALink) {
  for (const char* act :
       {"ip link set br0 alias other", "sysctl -qw net.ipv4.conf.br0.arp_ignore=2",
        "sysctl -qw net.ipv4.conf.br0.route_localnet=1", "sysctl -qw net.ipv6.conf.br0.accept_ra=2",
        "sysctl -qw net.ipv6.conf.br0.disable_ipv6=1",
        "sysctl -qw net.ipv6.conf.br0.addr_gen_mode=1"}) {
    shell(act);
    const Changed changed = values_->look(kSysctls);
    EXPECT_THAT(changed.links, ElementsAre(index("br0"))) << act;
    EXPECT_FALSE(changed.proxies || changed.sysctls) << act;
  }
}

TEST_F(SilentValuesTest, ALinkThatComesOrGoesHasAnEventOfItsOwn) {
  shell("ip link add br2 type bridge; ip link del br1");
  EXPECT_FALSE(values_->look(kSysctls).any());
}

/// It may have changed since it was heard of.
TEST_F(SilentValuesTest, ALinkOfOursThatComesIsAskedOnce) {
  shell("ip link add br2 group 28272 type bridge");
  EXPECT_THAT(values_->look(kSysctls).links, ElementsAre(index("br2")));
  EXPECT_FALSE(values_->look(kSysctls).any());
}

TEST_F(SilentValuesTest, AProxy) {
  for (const char* act :
       {"ip neigh add proxy 203.0.113.1 dev br0", "ip neigh add proxy 2001:db8::1 dev br0",
        "ip neigh del proxy 203.0.113.1 dev br0"}) {
    shell(act);
    EXPECT_TRUE(values_->look(kSysctls).proxies) << act;
  }
}

TEST_F(SilentValuesTest, ASysctl) {
  shell("sysctl -qw net.ipv4.neigh.br0.proxy_delay=0");
  EXPECT_TRUE(values_->look(kSysctls).sysctls);
  shell("sysctl -qw net.ipv4.conf.all.arp_ignore=1");
  EXPECT_TRUE(values_->look(kSysctls).sysctls);
  EXPECT_FALSE(values_->look(kSysctls).any());
}

}  // namespace
}  // namespace novaplane::node
