#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>
#include <set>
#include <string>

#include "dataplane/conntrack/flows.h"
#include "tests/support/netns.h"

/// Flows of IPv6 leave as exactly as those of IPv4. Guest 2001:db8:1::10 has the floating IP
/// 2001:db8:f::1, guest ::11 has none; the host is 2001:db8:ff::1, the world 2001:db8:9::9.
namespace novaplane::conntrack {
namespace {

using testing::ElementsAre;
using Which = FlowFilter::Which;

std::string output(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> part;
  for (std::size_t size; (size = fread(part.data(), 1, part.size(), pipe.get())) > 0;) {
    text.append(part.data(), size);
  }
  return text;
}

class Ipv6FlowsTest : public testing::TestWithParam<Flows::Way> {
 protected:
  Ipv6FlowsTest() {
    make("-s 2001:db8:9::9 -d 2001:db8:f::1 --dst-nat 2001:db8:1::10", 1001);
    make("-s 2001:db8:1::10 -d 2001:db8:9::9 --src-nat 2001:db8:f::1", 1003);
    make("-s 2001:db8:1::11 -d 2001:db8:9::9 --src-nat 2001:db8:ff::1", 1004);
    make("-s 2001:db8:1::11 -d 2001:db8:1::10", 1006);
    const std::string made =
        output("conntrack -I -s 10.0.0.1 -d 10.0.0.2 -p udp --sport 1009 --dport 9 -t 300");
    EXPECT_NE(made.find("1 flow entries have been created"), std::string::npos) << made;
  }

  static void make(const std::string& words, int port) {
    const std::string made = output("conntrack -I " + words + " -p udp --dport 9 -t 300 --sport " +
                                    std::to_string(port));
    EXPECT_NE(made.find("1 flow entries have been created"), std::string::npos) << made;
  }

  /// The original source ports of all flows.
  static std::set<int> flows() {
    std::set<int> ports;
    const std::string text =
        output("conntrack -L -f ipv6 2>/dev/null; conntrack -L -f ipv4 2>/dev/null");
    for (auto at = text.find("sport="); at != text.npos; at = text.find("sport=", at + 1)) {
      const int port = std::stoi(text.substr(at + 6));
      if (port > 1000) ports.insert(port);
    }
    return ports;
  }

  static IpAddress ip(const char* text) { return *IpAddress::parse(text); }

  void forget(std::vector<FlowFilter> filters) {
    const auto forgotten = flows_.forget(filters, GetParam());
    ASSERT_TRUE(forgotten) << forgotten.error().message();
  }

  test::NetworkNamespace host_;
  Flows flows_ = *Flows::open();
};

TEST_P(Ipv6FlowsTest, InboundOnly) {
  forget({{Which::original_destination, ip("2001:db8:f::1")}});
  EXPECT_THAT(flows(), ElementsAre(1003, 1004, 1006, 1009));
}

TEST_P(Ipv6FlowsTest, OutboundOnly) {
  forget({{Which::reply_destination, ip("2001:db8:f::1")}});
  EXPECT_THAT(flows(), ElementsAre(1001, 1004, 1006, 1009));
}

TEST_P(Ipv6FlowsTest, TranslatedFlowsOfTheGuestOnly) {
  FlowFilter filter{Which::translated_source, ip("2001:db8:1::11")};
  filter.keep = ip("2001:db8:ff::1");
  forget({filter});
  EXPECT_EQ(flows().size(), 5u);
  filter.keep = ip("2001:db8:f::2");
  forget({filter});
  EXPECT_THAT(flows(), ElementsAre(1001, 1003, 1006, 1009));
}

TEST_P(Ipv6FlowsTest, OfBothFamiliesAtOnce) {
  forget({{Which::original_destination, ip("2001:db8:f::1")},
          {Which::original_destination, ip("10.0.0.2")}});
  EXPECT_THAT(flows(), ElementsAre(1003, 1004, 1006));
}

INSTANTIATE_TEST_SUITE_P(BothWays, Ipv6FlowsTest,
                         testing::Values(Flows::Way::filtered, Flows::Way::listed),
                         [](const auto& info) {
                           return info.param == Flows::Way::filtered ? "Filtered" : "Listed";
                         });

}  // namespace
}  // namespace novaplane::conntrack
