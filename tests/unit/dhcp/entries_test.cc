#include "dhcp/entries.h"

#include <gtest/gtest.h>

#include "dhcp/config.h"

namespace novaplane::dhcp {
namespace {

cloud::Port web1() {
  cloud::Port port;
  port.name = "web1";
  port.hostname = "web1";
  port.mac = *Mac::parse("fa:16:3e:00:00:01");
  port.address = *IpAddress::parse("10.0.0.11");
  port.address6 = *IpAddress::parse("2001:db8::11");
  return port;
}

TEST(Entries, ANetworkIsKnownByItsServices) {
  EXPECT_EQ(service_of("blue"), "dhcp/blue");
  EXPECT_EQ(service6_of("blue"), "dhcp/blue+ipv6");
  EXPECT_EQ(network_of(service_of("blue")), "blue");
  EXPECT_EQ(network_of(service6_of("blue")), "blue");
  EXPECT_EQ(network_of("failover/keepalived"), "");
}

/// With a tag between MAC and address, and with brackets.
TEST(Entries, AHostsLineIsReadAsItWasWritten) {
  cloud::Port port = web1();
  port.default_route = false;
  const auto line = host_line(port, {});
  ASSERT_TRUE(line) << line.error().message();
  const auto host = known_host({service_of("blue"), "host web1"}, {*line});
  ASSERT_TRUE(host);
  EXPECT_EQ(host->port, "web1");
  EXPECT_EQ(host->network, "blue");
  EXPECT_EQ(host->mac, port.mac);
  EXPECT_EQ(host->address, port.address);
  const auto line6 = host6_line(port, {});
  ASSERT_TRUE(line6);
  const auto host6 = known_host({service6_of("blue"), "host web1"}, {*line6});
  ASSERT_TRUE(host6);
  EXPECT_EQ(host6->network, "blue");
  EXPECT_EQ(host6->mac, port.mac);
  EXPECT_EQ(host6->address, port.address6);
}

TEST(Entries, ANameIsNoHost) {
  EXPECT_FALSE(known_host({service_of("blue"), "name web1"}, {"10.0.0.11 web1"}));
}

}  // namespace
}  // namespace novaplane::dhcp
