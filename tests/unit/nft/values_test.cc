#include "dataplane/nft/values.h"

#include <gtest/gtest.h>

#include "dataplane/nft/transaction.h"

namespace novaplane::nft {
namespace {

using enum Field;

TEST(Bytes, PadEachFieldToFourBytes) {
  const std::string bytes = Bytes()
                                .ifname("eth0")
                                .address(*IpAddress::parse("10.0.0.1"))
                                .protocol(6)
                                .port(258)
                                .mac(*Mac::parse("0a:6e:0a:00:00:01"))
                                .take();
  using namespace std::string_literals;
  EXPECT_EQ(bytes, "eth0"s + std::string(12, '\0') + "\x0a\0\0\x01"s + "\x06\0\0\0"s +
                       "\x01\x02\0\0"s + "\x0a\x6e\x0a\0\0\x01\0\0"s);
  EXPECT_EQ(to_text({ifname, ipv4_addr, inet_proto, inet_service, ether_addr}, bytes),
            "\"eth0\" . 10.0.0.1 . tcp . 258 . 0a:6e:0a:00:00:01");
}

TEST(Bytes, TextOfEveryField) {
  EXPECT_EQ(to_text({ipv6_addr}, Bytes().address(*IpAddress::parse("fe80::1")).take()), "fe80::1");
  EXPECT_EQ(to_text({inet_proto}, Bytes().protocol(17).take()), "udp");
  EXPECT_EQ(to_text({inet_proto}, Bytes().protocol(132).take()), "132");
  EXPECT_EQ(to_text({ifname}, Bytes().ifname("exactly15bytes.").take()), "\"exactly15bytes.\"");
  EXPECT_EQ(to_text({ipv4_addr}, "ab"), "?") << "too short for what it should be";
}

TEST(ElementText, PrintsARangeAsAPrefixWhereItIsOne) {
  const Set set{{Family::inet, "no_snat"}, {ipv4_addr}, {}, true};
  const auto text = [&](const char* first, const char* last) {
    return to_text(set,
                   {set.name, Bytes().address(*IpAddress::parse(first)).take(),
                    Bytes().address(*IpAddress::parse(last)).take()},
                   nullptr);
  };
  EXPECT_EQ(text("10.0.0.0", "10.0.0.255"), "10.0.0.0/24");
  EXPECT_EQ(text("10.0.0.7", "10.0.0.7"), "10.0.0.7");
  EXPECT_EQ(text("10.0.0.1", "10.0.0.255"), "10.0.0.1-10.0.0.255");
  EXPECT_EQ(text("0.0.0.0", "255.255.255.255"), "0.0.0.0/0");
}

TEST(RulesetRepair, SaysWhatAndWhy) {
  using enum RulesetRepair::Part::What;
  const RulesetRepair repair{{{Family::inet, table, "", "set managed differs"},
                              {Family::bridge, set, "wire", "it is missing"},
                              {Family::bridge, set, "trusted", "it is missing"},
                              {Family::bridge, rules, "prerouting", "it has a rule too many"},
                              {Family::bridge, leftover_set, "tunnels", "not in use"},
                              {Family::bridge, leftover_chain, "output", "not in use"}}};
  EXPECT_EQ(repair.what(),
            "write table inet novaplane; add sets wire, trusted to table bridge novaplane; "
            "write chain prerouting of table bridge novaplane; "
            "remove set tunnels from table bridge novaplane; "
            "remove chain output from table bridge novaplane");
  EXPECT_EQ(repair.why(),
            "inet novaplane: set managed differs; bridge novaplane sets wire, trusted: missing; "
            "bridge novaplane chain prerouting: it has a rule too many; "
            "bridge novaplane set tunnels: not in use; "
            "bridge novaplane chain output: not in use");
  EXPECT_TRUE(repair.rewrites_table(Family::inet));
  EXPECT_FALSE(repair.rewrites_table(Family::bridge));
}

}  // namespace
}  // namespace novaplane::nft
