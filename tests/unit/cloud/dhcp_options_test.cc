#include "tests/unit/cloud/mistakes.h"

/// DHCP options and what else of DHCP has to fit into a message: what `check` says of it.
namespace novaplane::cloud::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A document whose network has these words behind `dhcp:`.
std::vector<std::string> mistakes_of(const std::string& dhcp) {
  return mistakes(fmt::format(
      "{}  red: {{cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, dhcp: {{{}}}}}\n",
      kBeginning, dhcp));
}
std::vector<std::string> mistakes_of_option(const std::string& option) {
  return mistakes_of("options: {" + option + "}");
}

TEST(DhcpOptions, MayBeWhatDnsmasqCanSend) {
  for (const char* option : {"ntp-server: 192.0.2.5",
                             "42: \"192.0.2.5, 192.0.2.6\"",
                             "T1: 30m",
                             "T2: 3600",
                             "nis+-domain: a.example",
                             "bootfile-name: \"a, b # c\"",
                             "time-offset: -3600",
                             "ip-forward-enable: 0",
                             "rapid-commit: \"\"",
                             "router: \"\"",
                             "26: \"\"",
                             "domain-search: \"a.example,b.example\"",
                             "sip-server: sip.example",
                             "sip-server: 192.0.2.7",
                             "121: \"10.9.0.0/16,10.2.0.9\"",
                             "249: \"18:0a:09:00:0a:02:00:01\"",
                             "static-route: \"192.0.2.1,10.2.0.9\"",
                             "224: text",
                             "225: 70000",
                             "226: 10i",
                             "227: '\"1.2\"'",
                             "252: '\"\\n\"'",
                             "43: \"01:04:c0:00:02:01\"",
                             "server-ip-address: 192.0.2.8",
                             "arp-timeout: 4294967295"}) {
    SCOPED_TRACE(option);
    EXPECT_THAT(mistakes_of_option(option), IsEmpty());
  }
}

TEST(DhcpOptions, AreKnownByName) {
  EXPECT_THAT(mistakes_of_option("ntp-servr: 192.0.2.5"),
              ElementsAre(HasSubstr("6:81 bad-name: networks.red.dhcp.options.ntp-servr: "
                                    "\"ntp-servr\" is not the name of a DHCP option; did you mean "
                                    "ntp-server?")));
  EXPECT_THAT(mistakes_of_option("qqqqqq: 1"), ElementsAre(HasSubstr("neither a DHCP option")));
  EXPECT_THAT(mistakes_of_option("255: 192.0.2.5"), ElementsAre(HasSubstr("(1 to 254)")));
  EXPECT_THAT(mistakes_of_option("042: 192.0.2.5"), ElementsAre(HasSubstr("(1 to 254)")));
  EXPECT_THAT(mistakes_of_option("42: 192.0.2.5, ntp-server: 192.0.2.6"),
              ElementsAre(HasSubstr("duplicate-key")));
  EXPECT_THAT(mistakes_of_option("51: 3600"),
              ElementsAre(HasSubstr("option 51 (lease-time) is not for documents: dhcp.lease")));
  EXPECT_THAT(mistakes_of_option("hostname: web"), ElementsAre(HasSubstr("ports.NAME.hostname")));
}

TEST(DhcpOptions, HaveTheirTypes) {
  for (const char* option : {"ntp-server: 10.0.0.300",
                             "ntp-server: ntp.example",
                             "ntp-server: \"192.0.2.5,\"",
                             "ntp-server: \"\"",
                             "ntp-server: \"2001:db8::1\"",
                             "netmask: \"192.0.2.1,192.0.2.2\"",
                             "static-route: 192.0.2.1",
                             "mtu: 70000",
                             "mtu: fast",
                             "default-ttl: 256",
                             "time-offset: 1h",
                             "T1: soon",
                             "T1: 0",
                             "rapid-commit: 1",
                             "domain-search: \"a b\"",
                             "sip-server: \"192.0.2.1,sip.example\"",
                             "121: 10.9.0.0/16",
                             "121: \"10.9.0.0/16,x\"",
                             "224: 10.0.0.300",
                             "224: 1.2",
                             "225: 99999999999",
                             "arp-timeout: 4294967296",
                             "bootfile-name: '\"a\"b\"'"}) {
    SCOPED_TRACE(option);
    EXPECT_THAT(mistakes_of_option(option), ElementsAre(HasSubstr(" bad-value: ")));
  }
  EXPECT_THAT(mistakes_of_option("ntp-server: 10.0.0.300"),
              ElementsAre("6:93 bad-value: networks.red.dhcp.options.ntp-server: \"10.0.0.300\" is "
                          "not a list of IPv4 addresses such as 192.0.2.5,192.0.2.6"));
}

TEST(DhcpRoutes, FitIntoOneOption) {
  const auto routes = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += fmt::format("{{destination: 172.16.{}.0/24, via: 10.2.0.9}}, ", i);
    }
    return "routes: [" + text + "]";
  };
  EXPECT_THAT(mistakes_of(routes(31)), IsEmpty());
  EXPECT_THAT(mistakes_of(routes(40)),
              ElementsAre(HasSubstr("networks.red.dhcp.routes[31]: is one route too many: a DHCP "
                                    "option holds 255 octets, which the 31 routes before it")));
}

TEST(DhcpNames, AreDnsNames) {
  EXPECT_THAT(mistakes_of("domain: 10.0.0"), ElementsAre(HasSubstr("is not a DNS domain")));
  EXPECT_THAT(mistakes_of("domain: \"5\""), ElementsAre(HasSubstr("is not a DNS domain")));
  EXPECT_THAT(mistakes_of("domain: 5.example"), IsEmpty());
  std::string domain = "d";
  while (domain.size() < 240) domain += std::string(9, 'a') + ".d";
  const std::string document = fmt::format(
      "{}  red: {{cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, dhcp: {{domain: {}}}}}\n"
      "ports:\n  web: {{network: red, mac: \"fa:16:3e:00:00:01\", address: 10.2.0.11, hostname: "
      "a-name-of-its-own}}\n",
      kBeginning, domain);
  EXPECT_THAT(
      mistakes(document),
      ElementsAre(HasSubstr("ports.web.hostname: the host name and the domain of network red "
                            "have ")));
}

}  // namespace
}  // namespace novaplane::cloud::test
