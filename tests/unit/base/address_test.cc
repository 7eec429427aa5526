#include "dataplane/base/address.h"

#include <gtest/gtest.h>

namespace novaplane {
namespace {

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }
IpAddress address(const char* text) { return IpAddress::parse(text).value(); }

TEST(IpAddress, PrintsWhatItReads) {
  for (const char* text :
       {"0.0.0.0", "10.0.0.1", "255.255.255.255", "::1", "fe80::a", "2001:db8::"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
}

TEST(IpAddress, RefusesWhatOnlyLooksLikeOne) {
  for (const char* text :
       {"", "10.1", "10.0.0.256", "10.0.0.1 ", "0x0a.0.0.1", "fe80::1%eth0", "::g", "1.2.3.4.5",
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc"}) {
    EXPECT_EQ(IpAddress::parse(text), std::nullopt) << text;
  }
}

TEST(IpAddress, RefusesWhatFollowsATerminator) {
  EXPECT_EQ(IpAddress::parse(std::string_view("10.0.0.1\0.5", 11)), std::nullopt);
  EXPECT_EQ(IpAddress::parse(std::string_view("10.0.0.1\0", 9)), std::nullopt);
}

TEST(IpAddress, KeepsApartWhatSharesAPrefixAsText) {
  EXPECT_LT(address("10.10.10.1"), address("10.10.10.10"));
  EXPECT_LT(address("10.10.10.10"), address("10.10.10.100"));
  EXPECT_LT(address("9.0.0.0"), address("10.0.0.0"));
}

TEST(Prefix, KnowsItsRange) {
  const Prefix blue = prefix("10.0.0.0/24");
  EXPECT_TRUE(blue.is_range());
  EXPECT_FALSE(prefix("10.0.0.1/24").is_range());
  EXPECT_TRUE(blue.contains(address("10.0.0.255")));
  EXPECT_FALSE(blue.contains(address("10.0.1.0")));
  EXPECT_FALSE(blue.contains(address("::a00:1")));
  EXPECT_EQ(prefix("10.0.0.7/24").network(), address("10.0.0.0"));
  EXPECT_EQ(prefix("10.0.0.7/22").broadcast(), address("10.0.3.255"));
  EXPECT_EQ(prefix("0.0.0.0/0").broadcast(), address("255.255.255.255"));
  EXPECT_EQ(prefix("2001:db8::7/64").network(), address("2001:db8::"));
}

TEST(Prefix, OverlapsInEitherDirection) {
  EXPECT_TRUE(prefix("10.0.0.0/8").overlaps(prefix("10.1.0.0/16")));
  EXPECT_TRUE(prefix("10.1.0.0/16").overlaps(prefix("10.0.0.0/8")));
  EXPECT_FALSE(prefix("10.0.0.0/24").overlaps(prefix("10.0.1.0/24")));
}

TEST(Prefix, RefusesWhatOnlyLooksLikeOne) {
  for (const char* text : {"10.0.0.0", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8x", "10.0.0.0/-1"}) {
    EXPECT_EQ(Prefix::parse(text), std::nullopt) << text;
  }
}

TEST(Mac, PrintsWhatItReads) {
  EXPECT_EQ(Mac::parse("FA:16:3e:00:00:0f")->to_string(), "fa:16:3e:00:00:0f");
  for (const char* text : {"", "fa:16:3e:00:00", "fa-16-3e-00-00-01", "fa:16:3e:00:00:0g"}) {
    EXPECT_EQ(Mac::parse(text), std::nullopt) << text;
  }
}

TEST(LinkName, FollowsTheKernel) {
  EXPECT_TRUE(is_link_name("br-blue"));
  for (const char* text : {"", ".", "..", "a/b", "a b", "a:b", "sixteen-letters-"}) {
    EXPECT_FALSE(is_link_name(text)) << text;
  }
}

TEST(LinkName, ShortensWithADigestThatStays) {
  EXPECT_EQ(link_name("br-blue"), "br-blue");
  const auto shortened = link_name("br-a-name-that-is-long");
  EXPECT_EQ(shortened.size(), 15u);
  EXPECT_EQ(shortened, link_name("br-a-name-that-is-long"));
  EXPECT_NE(shortened, link_name("br-a-name-that-is-lonh"));
}

TEST(SlaacAddress, IsTheRangeAndTheMacAsAModifiedEui64) {
  const auto given = [](const char* range, const char* mac) {
    return slaac_address(*Prefix::parse(range), *Mac::parse(mac)).to_string();
  };
  // RFC 4291, appendix A, and one that is local already.
  EXPECT_EQ(given("2001:db8:1::/64", "34:56:78:9a:bc:de"), "2001:db8:1:0:3656:78ff:fe9a:bcde");
  EXPECT_EQ(given("fd00::/64", "fa:16:3e:00:00:0b"), "fd00::f816:3eff:fe00:b");
}

}  // namespace
}  // namespace novaplane
