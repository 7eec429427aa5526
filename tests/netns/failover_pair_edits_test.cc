#include <signal.h>

#include "tests/netns/pair_world.h"
#include "tests/netns/world/stream.h"

/// A pair that runs, while the document changes below it, or the two do not hear each other.
namespace novaplane::netns {
namespace {

class FailoverPairEditsTest : public PairWorld {
 protected:
  bool has(const Host& host, const std::string& address) {
    return host.ip("-4 address show").find(" " + address + "/") != std::string::npos;
  }
  /// At every look, until the world has heard that many advertisements: of VRRP's own time, not of
  /// the machine's.
  bool all_the_time(std::size_t advertisements, const std::function<bool()>& holds) {
    Capture heard(outside, "eth0", "ip proto 112");
    bool held = true;
    const auto over = [&] {
      held &= holds();
      return !held || heard.count() >= advertisements;
    };
    return eventually(over, kPatience) && held;
  }
};

TEST_F(FailoverPairEditsTest, AnotherSourceIsTakenByTheOneThatHasTheGateway) {
  start();
  plain.configure();
  EXPECT_EQ(seen_at(plain, "192.0.2.1", 80), kSource);
  describe("192.0.2.51");
  world.write();
  EXPECT_TRUE(eventually([&] { return has(active(), "192.0.2.51"); }, kPatience));
  EXPECT_TRUE(settled());
  for (Host* host : {&h1, &h2}) EXPECT_FALSE(has(*host, kSource)) << host->name();
  EXPECT_FALSE(has(standby(), "192.0.2.51"));
  EXPECT_TRUE(
      eventually([&] { return seen_at(plain, "192.0.2.1", 80, kAttempt) == "192.0.2.51"; }));
}

TEST_F(FailoverPairEditsTest, FlowsAreToldByAnotherTunnelAddress) {
  h1.ip("address add 192.0.2.21/24 dev eth0");
  start();
  plain.configure();
  describe(kSource, "192.0.2.21");
  world.write();
  ASSERT_TRUE(h3.up().ok());
  const auto tells_h1 = [&] {
    return h2.run({"grep", "-r", "192.0.2.21", h2.run_dir() + "/failover"}).status == 0;
  };
  EXPECT_TRUE(eventually(tells_h1, kPatience));
  EXPECT_TRUE(settled());
  Host& second = standby();
  Stream stream(plain, outside, "192.0.2.1", 5000);
  ASSERT_TRUE(stream.flows());
  EXPECT_TRUE(is_told(second));
  die(active());
  ASSERT_TRUE(takes_over(second));
  EXPECT_TRUE(stream.flows()) << stream.is_broken();
  plug_in_again(&second == &h1 ? h2 : h1);
  start(&second == &h1 ? h2 : h1);
  EXPECT_TRUE(settled());
}

/// One daemon has read what the other one has not, for as long as an operator may need.
TEST_F(FailoverPairEditsTest, DocumentsThatDifferMakeNoSecondMaster) {
  start();
  plain.configure();
  Host& first = active();
  Host& second = standby();
  for (Host* ahead : {&second, &first}) {
    Host& behind = ahead == &first ? second : first;
    const std::string name = "green-" + ahead->name();
    const int number = ahead == &first ? 2 : 1;
    ASSERT_EQ(::kill(daemons[behind.name()]->pid(), SIGSTOP), 0);
    document.networks[name] = fmt::format(
        "cidr: 10.{0}.0.0/24, gateway: 10.{0}.0.1, gateway_mode: failover, gateway_hosts: [h1, "
        "h2], "
        "segment: {{vxlan: 500{0}}}",
        number);
    world.write();
    ASSERT_TRUE(eventually([&] { return ahead->has_link("br-" + name); }, kPatience));
    EXPECT_TRUE(all_the_time(20, [&] { return is_active(h1) != is_active(h2); })) << name;
    ASSERT_EQ(::kill(daemons[behind.name()]->pid(), SIGCONT), 0);
    ASSERT_TRUE(eventually([&] { return behind.has_link("br-" + name); }, kPatience));
    EXPECT_TRUE(settled());
    EXPECT_TRUE(is_active(first));
  }
  EXPECT_EQ(seen_at(plain, "192.0.2.1", 80), kSource);
}

/// A provider's router may have the number that the two made of their names.
TEST_F(FailoverPairEditsTest, AnotherNumberIsOnTheWireFromThenOn) {
  start();
  plain.configure();
  Capture chosen(outside, "eth0", "ip proto 112 and ip[21] = 77"),
      other(outside, "eth0", "ip proto 112 and ip[21] != 77");
  EXPECT_TRUE(other.sees());
  EXPECT_EQ(chosen.text(), "");
  describe(kSource, "192.0.2.11", "vrrp_id: 77, ");
  world.write();
  EXPECT_TRUE(chosen.sees(1, kPatience));
  EXPECT_TRUE(settled());
  other.forget();
  EXPECT_TRUE(all_the_time(10, [&] { return is_active(h1) != is_active(h2); }));
  EXPECT_EQ(other.text(), "");
  EXPECT_TRUE(eventually([&] { return seen_at(plain, "192.0.2.1", 80, kAttempt) == kSource; }));
}

/// It had written what keepalived is to do, and was killed before it told it to read that.
TEST_F(FailoverPairEditsTest, ACrashBeforeKeepalivedIsToldIsMadeUpFor) {
  start();
  Host& first = active();
  const pid_t keepalived = pid_of(first, "keepalived");
  for (const auto& [name, daemon] : daemons) daemon->kill();
  describe("192.0.2.51");
  world.write();
  for (Host* host : {&h1, &h2}) {
    const std::string file = host->run_dir() + "/failover/keepalived.";
    host->run({"sed", "-i", "s/192.0.2.50/192.0.2.51/", file + "conf"});
    host->run({"touch", file + "unsettled"});
  }
  ASSERT_TRUE(has(first, kSource)) << "it has not read the text";
  for (Host* host : {&h1, &h2}) start(*host);
  EXPECT_TRUE(eventually([&] { return has(active(), "192.0.2.51"); }, kPatience));
  EXPECT_TRUE(settled());
  for (Host* host : {&h1, &h2}) EXPECT_FALSE(has(*host, kSource)) << host->name();
  EXPECT_EQ(pid_of(first, "keepalived"), keepalived) << "told, not started again";
}

/// As with any VRRP: who hears nobody is the master. Afterwards one of them steps back.
TEST_F(FailoverPairEditsTest, APartitionEndsWithOneMaster) {
  start();
  plain.configure();
  world.fabric.nft(
      "table bridge partition { chain f { type filter hook forward priority 0; "
      "ip protocol vrrp drop; }; }");
  EXPECT_TRUE(eventually([&] { return is_active(h1) && is_active(h2); }, kPatience));
  world.fabric.nft("delete table bridge partition");
  EXPECT_TRUE(settled());
  EXPECT_TRUE(all_the_time(10, [&] { return is_active(h1) != is_active(h2); }));
  EXPECT_EQ(standby().processes("dnsmasq").size(), 0U);
  EXPECT_TRUE(eventually([&] { return seen_at(plain, "192.0.2.1", 80, kAttempt) == kSource; }));
  web1.configure();
  const Server at_web1(web1, "10.0.0.11", 8080);
  EXPECT_TRUE(
      eventually([&] { return seen_at(outside, "203.0.113.10", 8080, kAttempt) == "192.0.2.1"; }));
}

}  // namespace
}  // namespace novaplane::netns
