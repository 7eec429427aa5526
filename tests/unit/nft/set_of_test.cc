#include "dataplane/nft/set_of.h"

#include <gtest/gtest.h>

namespace novaplane::nft {
namespace {

constexpr MapOf<Fields<Field::ipv4_addr, Field::inet_proto, Field::inet_service>,
                Fields<Field::ipv4_addr, Field::inet_service>>
    kForwards{Family::inet, "forwards"};
constexpr MapOf<Fields<Field::ifname, Field::ether_addr>, Fields<Field::verdict>> kPorts{
    Family::bridge, "ports"};
constexpr SetOf<Field::ipv6_addr> kHosts6{Family::inet, "hosts6"};
constexpr RangesOf<Field::ipv4_addr> kRanges{Family::inet, "ranges"};
constexpr LimitersOf<Field::ifname> kLimits{Family::bridge, "limits"};
constexpr PacketSetOf<Field::ether_addr> kSeen{Family::inet, "seen", 60, {.connections = 4}};

TEST(SetOf, WritesWhatBytesDoAndReadsItBack) {
  const IpAddress address = *IpAddress::parse("203.0.113.10"), to = *IpAddress::parse("10.0.0.11");
  const ElementKey key = kForwards.key({address, std::uint8_t{6}, std::uint16_t{2222}});
  EXPECT_EQ(key.set, kForwards);
  EXPECT_EQ(key.key, Bytes().address(address).protocol(6).port(2222).take());
  EXPECT_EQ(kForwards.read_key(key), std::tuple(address, std::uint8_t{6}, std::uint16_t{2222}));
  const Element element{kForwards.data({to, std::uint16_t{22}}), {}};
  EXPECT_EQ(kForwards.read_data(element), std::tuple(to, std::uint16_t{22}));
}

TEST(SetOf, ReadsNamesMacsAndIpv6) {
  const Mac mac = *Mac::parse("fa:16:3e:00:00:01");
  const auto [name, known] = kPorts.read_key(kPorts.key({"tap1", mac}));
  EXPECT_EQ(name, "tap1");
  EXPECT_EQ(known, mac);
  EXPECT_EQ(std::get<0>(kPorts.read_data({kPorts.data({"by_uplink_1"}), {}})), "by_uplink_1");
  const IpAddress address = *IpAddress::parse("2001:db8::11");
  EXPECT_EQ(std::get<0>(kHosts6.read_key(kHosts6.key({address}))), address);
}

TEST(SetOf, KeepsToWhatIsThereOfAShortKey) {
  const auto [name, mac] = kPorts.read_key({kPorts, "tap1", {}});
  EXPECT_EQ(name, "tap1");
  EXPECT_EQ(mac, Mac());
}

TEST(SetOf, DeclaresWhatTheKernelIsTold) {
  const Set forwards{kForwards,
                     {Field::ipv4_addr, Field::inet_proto, Field::inet_service},
                     {Field::ipv4_addr, Field::inet_service}};
  EXPECT_EQ(kForwards.declared(), forwards);
  EXPECT_TRUE(kRanges.declared().interval);
  EXPECT_TRUE(kLimits.declared().limits);
  EXPECT_EQ(kSeen.declared().timeout_seconds, 60U);
  EXPECT_EQ(kSeen.declared().allowance.connections, 4U);
  const ElementKey range = kRanges.key(*Prefix::parse("10.0.0.0/24"));
  EXPECT_EQ(range.key, Bytes().address(*IpAddress::parse("10.0.0.0")).take());
  EXPECT_EQ(range.key_end, Bytes().address(*IpAddress::parse("10.0.0.255")).take());
  const Limit limit = limit_of(kLimits.data({1000, 2000}));
  EXPECT_EQ(limit.rate, 1000U);
  EXPECT_EQ(limit.burst, 2000U);
}

}  // namespace
}  // namespace novaplane::nft
