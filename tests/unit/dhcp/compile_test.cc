#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "dhcp/dhcp.h"

namespace novaplane::dhcp {
namespace {

using engine::ObjectKind;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

/// Host h1 with a wire, network blue in shared mode, ports web1 here and db1 on h2.
class DhcpCompile : public ::testing::Test {
 protected:
  DhcpCompile() {
    host_.name = "h1";
    host_.vm_interface = "eth1";
    facts_.links["eth1"].mtu = 1450;
    blue_.name = "blue";
    blue_.bridge = "br-blue";
    blue_.cidr = *Prefix::parse("10.0.0.0/24");
    blue_.gateway = ip("10.0.0.1");
    add_port("web1", "h1", "10.0.0.11", "fa:16:3e:00:00:01");
    add_port("db1", "h2", "10.0.0.12", "fa:16:3e:00:00:02");
  }

  void add_port(const std::string& name, const std::string& host, const std::string& address,
                const std::string& mac) {
    cloud::Port& port = ports_[name];
    port.name = port.hostname = name;
    port.network = "blue";
    port.host = host;
    port.mac = *Mac::parse(mac);
    port.address = ip(address);
    port.interface = "tap-" + name;
  }

  engine::Rows compile(ObjectKind kind, const std::string& name) const {
    cloud::Cloud cloud;
    cloud.hosts["h1"] = host_;
    cloud.networks["blue"] = blue_;
    std::unordered_map<std::string, std::size_t> local_ports;
    for (const auto& [port_name, port] : ports_) {
      cloud.ports[port_name] = port;
      if (port.host == host_.name) ++local_ports[port.network];
    }
    engine::Rows rows;
    Dhcp().compile({cloud, host_, facts_, local_ports, {}, {}}, {kind, name}, rows);
    return rows;
  }
  std::string config() const {
    return compile(ObjectKind::network, "blue").services.at(0).second.config;
  }

  cloud::Host host_;
  engine::Facts facts_;
  cloud::Network blue_;
  std::map<std::string, cloud::Port> ports_;
};

TEST_F(DhcpCompile, WithIpv6AnotherServiceAdvertisesAndLeases) {
  blue_.cidr6 = *Prefix::parse("2001:db8:1::/64");
  blue_.gateway6 = ip("2001:db8:1::1");
  const auto rows = compile(ObjectKind::network, "blue");
  ASSERT_THAT(rows.services, SizeIs(2));
  EXPECT_THAT(rows.services[0].second.config,
              AllOf(HasSubstr("listen-address=10.0.0.1\nlisten-address=2001:db8:1::1\n"),
                    HasSubstr("rev-server=2001:db8:1::/64\n")));
  EXPECT_EQ(rows.services[1].first, "dhcp/blue+ipv6");
  EXPECT_EQ(rows.services[1].second.device, "br-blue");
  EXPECT_EQ(rows.services[1].second.config,
            "# IPv6 of network blue. Written by novaplane, and written again when it is changed.\n"
            "port=0\n"
            "interface=br-blue\n"
            "except-interface=lo\n"
            "bind-interfaces\n"
            "enable-ra\n"
            "ra-param=br-blue,mtu:1450,600,1800\n"
            "dhcp-range=2001:db8:1::,static,slaac,64,86400\n"
            "dhcp-option=option6:dns-server,[2001:db8:1::1]\n"
            "domain=novalocal\n"
            "dhcp-option=option6:domain-search,novalocal\n"
            "dhcp-lease-max=1048576\n"
            "dhcp-authoritative\n"
            "dhcp-ignore-names\n"
            "leasefile-ro\n"
            "log-async\n");
  blue_.cidr6 = *Prefix::parse("2001:db8:1::/112");
  EXPECT_THAT(compile(ObjectKind::network, "blue").services.at(1).second.config,
              HasSubstr("dhcp-range=2001:db8:1::,static,112,86400\n"));
}

TEST_F(DhcpCompile, WithIpv6APortIsKnownByBothAddresses) {
  blue_.cidr6 = *Prefix::parse("2001:db8:1::/64");
  blue_.gateway6 = ip("2001:db8:1::1");
  ports_["web1"].address6 = ip("2001:db8:1::b");
  ports_["db1"].address6 = ip("2001:db8:1::c");
  const auto lines_of = [&](const std::string& port) {
    std::vector<std::string> lines;
    for (const auto& [key, entry] : compile(ObjectKind::port, port).entries) {
      lines.push_back(key.service + " " + key.name + ": " + entry.line);
    }
    return lines;
  };
  EXPECT_THAT(
      lines_of("web1"),
      ElementsAre("dhcp/blue host web1: fa:16:3e:00:00:01,10.0.0.11,web1.novalocal",
                  "dhcp/blue name web1: 10.0.0.11 web1.novalocal web1",
                  "dhcp/blue+ipv6 host web1: fa:16:3e:00:00:01,[2001:db8:1::b],web1.novalocal",
                  "dhcp/blue name web1/ipv6: 2001:db8:1::b web1.novalocal web1"));
  EXPECT_THAT(lines_of("db1"),
              ElementsAre("dhcp/blue name db1: 10.0.0.12 db1.novalocal db1",
                          "dhcp/blue name db1/ipv6: 2001:db8:1::c db1.novalocal db1"));
}

TEST_F(DhcpCompile, ASharedNetworkHasOneServiceOnItsBridge) {
  const auto rows = compile(ObjectKind::network, "blue");
  ASSERT_THAT(rows.services, SizeIs(1));
  EXPECT_EQ(rows.services[0].first, "dhcp/blue");
  EXPECT_EQ(rows.services[0].second.device, "br-blue");
  EXPECT_EQ(rows.services[0].second.config,
            "# Network blue. Written by novaplane, and written again when it is changed.\n"
            "interface=br-blue\n"
            "except-interface=br-blue\n"
            "except-interface=lo\n"
            "listen-address=10.0.0.1\n"
            "bind-interfaces\n"
            "no-hosts\n"
            "domain-needed\n"
            "domain=novalocal\n"
            "local=/novalocal/\n"
            "rev-server=10.0.0.0/24\n"
            "cache-size=1000\n"
            "dns-forward-max=10000\n"
            "dhcp-range=10.0.0.0,static,255.255.255.0,86400\n"
            "dhcp-lease-max=256\n"
            "dhcp-authoritative\n"
            "dhcp-ignore-names\n"
            "leasefile-ro\n"
            "no-ping\n"
            "log-async\n"
            "dhcp-option=option:router,10.0.0.1\n"
            "dhcp-option=tag:no-router,option:router\n"
            "dhcp-option=option:dns-server,10.0.0.1\n"
            "dhcp-option-force=option:mtu,1450\n");
}

TEST_F(DhcpCompile, NameServersAreTheNetworksOwnAndReplaceTheHosts) {
  EXPECT_THAT(config(), Not(HasSubstr("no-resolv")));
  blue_.dhcp.dns = {ip("9.9.9.9"), ip("2620:fe::fe")};
  EXPECT_THAT(config(), HasSubstr("\nno-resolv\nserver=9.9.9.9\nserver=2620:fe::fe\n"));
}

TEST_F(DhcpCompile, ClasslessRoutesRepeatTheRouterButNotForPortsWithoutDefaultRoute) {
  blue_.dhcp.routes = {{*Prefix::parse("10.9.0.0/16"), ip("10.0.0.254")}};
  EXPECT_THAT(config(),
              HasSubstr("\ndhcp-option=option:classless-static-route,10.9.0.0/16,10.0.0.254,"
                        "0.0.0.0/0,10.0.0.1\n"
                        "dhcp-option=tag:no-router,option:classless-static-route,10.9.0.0/16,"
                        "10.0.0.254\n"));
}

TEST_F(DhcpCompile, PerHostModeTellsTheHostsOwnAddress) {
  blue_.gateway_mode = cloud::GatewayMode::per_host;
  blue_.gateway = std::nullopt;
  host_.gateways["blue"] = ip("10.0.0.21");
  EXPECT_THAT(config(), HasSubstr("\nlisten-address=10.0.0.21\n"));
  EXPECT_THAT(config(), HasSubstr("\ndhcp-option=option:router,10.0.0.21\n"));
  EXPECT_THAT(config(), HasSubstr("\ndhcp-option=option:dns-server,10.0.0.21\n"));
}

TEST_F(DhcpCompile, HardwareModeServesFromTheServiceAddressAndTellsTheRouter) {
  blue_.gateway_mode = cloud::GatewayMode::hardware;
  blue_.host_address = ip("10.0.0.2");
  EXPECT_THAT(config(), HasSubstr("\nlisten-address=10.0.0.2\n"));
  EXPECT_THAT(config(), HasSubstr("\ndhcp-option=option:router,10.0.0.1\n"));
}

TEST_F(DhcpCompile, WithoutARouterDnsmasqDoesNotNameItself) {
  blue_.gateway_mode = cloud::GatewayMode::hardware;
  blue_.host_address = ip("10.0.0.2");
  blue_.gateway = std::nullopt;
  EXPECT_THAT(config(), HasSubstr("\ndhcp-option=option:router\n"));
}

TEST_F(DhcpCompile, NothingServesWhereTheHostHasNoAddressOrNoPart) {
  blue_.gateway_mode = cloud::GatewayMode::none;
  EXPECT_THAT(compile(ObjectKind::network, "blue").services, IsEmpty());
  EXPECT_THAT(compile(ObjectKind::port, "web1").entries, IsEmpty());

  blue_.gateway_mode = cloud::GatewayMode::shared;
  blue_.dhcp.enabled = false;
  EXPECT_THAT(compile(ObjectKind::network, "blue").services, IsEmpty());
  EXPECT_THAT(compile(ObjectKind::port, "web1").entries, IsEmpty());

  blue_.dhcp.enabled = true;
  host_.vm_interface = std::nullopt;
  ports_.erase("web1");
  EXPECT_THAT(compile(ObjectKind::network, "blue").services, IsEmpty());
  EXPECT_THAT(compile(ObjectKind::port, "db1").entries, IsEmpty());
}

TEST_F(DhcpCompile, TheDocumentsOptionsComeLastAndReplaceOurs) {
  blue_.dhcp.options = {{"ntp-server", "10.0.0.5"}, {"26", "1400"}, {"252", "\"\\n\""}, {"43", ""}};
  const std::string text = config();
  EXPECT_THAT(text, HasSubstr("\ndhcp-option=option:ntp-server,10.0.0.5\n"));
  EXPECT_THAT(text, HasSubstr("\ndhcp-option=26,1400\n"));
  EXPECT_THAT(text, HasSubstr("\ndhcp-option=43\n"));
  EXPECT_THAT(text, Not(HasSubstr("option:mtu")));
}

TEST_F(DhcpCompile, OptionsAreWrittenSoThatTheyAreReadInOneWay) {
  blue_.dhcp.options = {{"bootfile-name", "10, \"a\\b\" # c"},
                        {"224", "\"10\""},
                        {"225", "01:02"},
                        {"35", "4294967295"},
                        {"T1", "30m"},
                        {"121", "10.9.0.0/16,10.0.0.254"}};
  EXPECT_THAT(config(),
              AllOf(HasSubstr("\ndhcp-option=option:bootfile-name,"
                              "\"10, \\\"a\\\\b\\\" # c\"\n"),
                    HasSubstr("\ndhcp-option=224,\"10\"\n"), HasSubstr("\ndhcp-option=225,01:02\n"),
                    HasSubstr("\ndhcp-option=35,ff:ff:ff:ff\n"),
                    HasSubstr("\ndhcp-option=option:T1,1800\n"),
                    HasSubstr("\ndhcp-option=121,10:0a:09:0a:00:00:fe\n")));
}

/// dnsmasq reads 1,024 characters at once and takes the rest for another line.
TEST_F(DhcpCompile, NoLineIsTooLongForDnsmasq) {
  for (std::uint32_t i = 0; i < 31; ++i) {
    blue_.dhcp.routes.push_back(
        {{IpAddress::v4(0xc6336400 + (i << 8)), 24}, IpAddress::v4(0xc0a864c8)});
  }
  std::istringstream lines(config());
  bool has_routes = false;
  for (std::string line; std::getline(lines, line);) {
    has_routes |= line.starts_with("dhcp-option=option:classless-static-route,18:c6:33:64:c0:a8");
    EXPECT_LT(line.size(), 1024u);
  }
  EXPECT_TRUE(has_routes);
}

TEST_F(DhcpCompile, TheDocumentsMtuPrecedesThatOfTheUnderlayPort) {
  blue_.mtu = 9000;
  EXPECT_THAT(config(), HasSubstr("option:mtu,9000\n"));
}

TEST_F(DhcpCompile, AnEmptyDomainIsLeftOut) {
  blue_.dhcp.domain = "";
  EXPECT_THAT(config(), Not(HasSubstr("domain=")));
  EXPECT_EQ(compile(ObjectKind::port, "db1").entries[0].second.line, "10.0.0.12 db1");
}

using Entry = std::pair<engine::ServiceEntryKey, engine::ServiceEntry>;

TEST_F(DhcpCompile, APortOfThisHostIsServedAndNamed) {
  EXPECT_THAT(
      compile(ObjectKind::port, "web1").entries,
      ElementsAre(Entry{{"dhcp/blue", "host web1"}, {"fa:16:3e:00:00:01,10.0.0.11,web1.novalocal"}},
                  Entry{{"dhcp/blue", "name web1"}, {"10.0.0.11 web1.novalocal web1"}}));
}

/// dnsmasq would take these for a keyword and for lease times; none of them has a dot.
TEST_F(DhcpCompile, ANameIsNeverAKeyword) {
  for (const char* name : {"ignore", "infinite", "101", "5m", "12h"}) {
    ports_["web1"].hostname = name;
    EXPECT_EQ(compile(ObjectKind::port, "web1").entries[0].second.line,
              fmt::format("fa:16:3e:00:00:01,10.0.0.11,{}.novalocal", name));
  }
}

TEST_F(DhcpCompile, APortOfAnotherHostIsNamedOnly) {
  EXPECT_THAT(compile(ObjectKind::port, "db1").entries,
              ElementsAre(Entry{{"dhcp/blue", "name db1"}, {"10.0.0.12 db1.novalocal db1"}}));
}

TEST_F(DhcpCompile, APortWithoutDefaultRouteIsTagged) {
  ports_["web1"].default_route = false;
  EXPECT_EQ(compile(ObjectKind::port, "web1").entries[0].second.line,
            "fa:16:3e:00:00:01,set:no-router,10.0.0.11,web1.novalocal");
}

/// The document's validation refuses these too; no value ever becomes a line of its own.
TEST_F(DhcpCompile, NoValueBecomesALineOfItsOwn) {
  const auto refuses = [&](const std::string& words) {
    const auto rows = compile(ObjectKind::network, "blue");
    EXPECT_THAT(rows.services, IsEmpty());
    ASSERT_THAT(rows.problems, SizeIs(1));
    EXPECT_THAT(rows.problems[0].message(), HasSubstr(words));
  };
  blue_.dhcp.options = {{"ntp-server", "10.0.0.5\ndhcp-script=/bin/sh"}};
  refuses(
      "serve DHCP on network blue: option ntp-server: \"10.0.0.5\\x0adhcp-script=/bin/sh\" is not "
      "a list ");
  blue_.dhcp.options = {{"1,x", "1"}};
  refuses("'1,x' is no DHCP option");
  blue_.dhcp.options.clear();
  blue_.dhcp.domain = "x/8.8.8.8";
  refuses("'x/8.8.8.8' is no domain");
  blue_.dhcp.domain = "x\nlog-facility=/etc/passwd";
  refuses("is no domain");
  blue_.dhcp.domain = "x";
  blue_.bridge = "br-*";
  refuses("dnsmasq cannot be bound to a link named 'br-*'");

  ports_["web1"].hostname = "web1\nfa:16:3e:00:00:09,10.0.0.9";
  const auto rows = compile(ObjectKind::port, "web1");
  EXPECT_THAT(rows.entries, IsEmpty());
  EXPECT_THAT(rows.problems, SizeIs(2));
}

}  // namespace
}  // namespace novaplane::dhcp
