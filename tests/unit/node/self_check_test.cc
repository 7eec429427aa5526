#include "dataplane/node/self_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/netns.h"

namespace novaplane::node {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;

PortRow port(const std::string& name, bool hairpin, const char* floating_ip) {
  PortRow row;
  row.name = name;
  row.hairpin = hairpin;
  if (floating_ip) row.floating_ips.push_back(*IpAddress::parse(floating_ip));
  return row;
}

TEST(HairpinWarning, NamesPortsThatHaveAFloatingIpAndNoHairpinMode) {
  EXPECT_THAT(hairpin_warning({port("web1", false, "203.0.113.10"),
                               port("web2", true, "203.0.113.11"), port("db1", false, nullptr)}),
              AllOf(HasSubstr("bridge-nf-call-iptables is 1"), HasSubstr("web1"),
                    Not(HasSubstr("web2")), Not(HasSubstr("db1"))));
}

TEST(HairpinWarning, IsNoneWhereEveryPortIsWell) {
  EXPECT_EQ(hairpin_warning({port("web1", true, "203.0.113.10"), port("db1", false, nullptr)}), "");
}

TEST(HairpinWarning, StaysReadableWithManyPorts) {
  std::vector<PortRow> ports;
  for (int i = 0; i < 1000; ++i) {
    ports.push_back(port(fmt::format("web{}", i), false, "203.0.113.10"));
  }
  EXPECT_THAT(hairpin_warning(ports), HasSubstr("web4 and 995 more"));
}

/// In a network namespace of its own.
class SelfCheckTest : public testing::Test {
 protected:
  void SetUp() override {
    NetworkRow blue;
    blue.name = "blue";
    show_.networks.push_back(blue);
  }
  void nft(const std::string& text) { ASSERT_EQ(std::system(("nft '" + text + "'").c_str()), 0); }

  test::NetworkNamespace netns_;
  Show show_;
};

TEST_F(SelfCheckTest, NamesTheForwardChainsOfOthersThatDrop) {
  nft("table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; "
      "chain INPUT { type filter hook input priority 0; policy drop; }; }; "
      "table inet firewalld { chain to_guests { type filter hook forward priority 10; policy drop; "
      "}; }; "
      "table ip6 filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }; "
      "table bridge b { chain f { type filter hook forward priority 0; policy accept; }; }; "
      "table inet novaplane { chain forward { type filter hook forward priority 0; policy drop; }; "
      "}");
  EXPECT_THAT(self_check(show_),
              UnorderedElementsAre(HasSubstr("table ip filter, chain FORWARD"),
                                   HasSubstr("table inet firewalld, chain to_guests")));
}

TEST_F(SelfCheckTest, FindsNothingOnAHostWithoutObstacles) {
  EXPECT_THAT(self_check(show_), IsEmpty());
}

TEST_F(SelfCheckTest, SaysNothingWhereNothingOfOursIs) {
  nft("table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }");
  show_.networks.clear();
  EXPECT_THAT(self_check(show_), IsEmpty());
}

}  // namespace
}  // namespace novaplane::node
