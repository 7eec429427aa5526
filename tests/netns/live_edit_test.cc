#include "tests/netns/cloud_test.h"

/// Every attribute of a document can change while guests run: ports stay attached, and flows that
/// can survive do. docs/live-edits.md is the table of what each edit does.
namespace novaplane::netns {
namespace {

/// What becomes of a session from web1 when the document is edited and its guests are not.
enum class Fate : std::uint8_t { survives, may_end };

struct Edit {
  std::string name;
  void (*edit)(Document&);
  Fate to_its_neighbours = Fate::survives;
  Fate to_the_world = Fate::survives;
};

void PrintTo(const Edit& edit, std::ostream* out) { *out << edit.name; }

void edit_network(Document& document, const std::string& text) { document.networks["blue"] = text; }

void append(std::string& text, const std::string& more) { text += ", " + more; }

const Edit kEdits[] = {
    {"Bridge", [](Document& d) { append(d.networks["blue"], "bridge: br100"); }},
    {"Mtu", [](Document& d) { append(d.networks["blue"], "mtu: 1400"); }},
    {"WiderRange", [](Document& d) { edit_network(d, "cidr: 10.0.0.0/23, gateway: 10.0.0.1"); }},
    {"Gateway", [](Document& d) { edit_network(d, "cidr: 10.0.0.0/24, gateway: 10.0.0.254"); },
     Fate::survives, Fate::may_end},
    {"GatewayMac",
     [](Document& d) { append(d.networks["blue"], "gateway_mac: \"0a:6e:00:00:00:99\""); },
     Fate::survives, Fate::may_end},
    {"GatewayModeNone",
     [](Document& d) { d.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: none"; },
     Fate::survives, Fate::may_end},
    {"GatewayModePerHost",
     [](Document& d) {
       d.networks["blue"] = "cidr: 10.0.0.0/24, gateway_mode: per-host";
       append(d.hosts["h1"], "gateways: {blue: 10.0.0.1}");
       append(d.hosts["h2"], "gateways: {blue: 10.0.0.2}");
     },
     Fate::survives, Fate::may_end},
    {"Dhcp",
     [](Document& d) {
       append(d.networks["blue"],
              "dhcp: {lease: 1h, domain: example.org, dns: [192.0.2.53], options: {ntp-server: "
              "192.0.2.1}}");
     }},
    {"NoDhcp", [](Document& d) { append(d.networks["blue"], "dhcp: {enabled: false}"); }},
    {"Routed", [](Document& d) { append(d.networks["blue"], "routed: true"); }},
    {"NoSnat", [](Document& d) { append(d.networks["blue"], "snat: false"); }},
    {"NoSnatRange", [](Document& d) { d.no_snat.push_back("198.51.100.0/24"); }},
    {"OtherWire", [](Document& d) { append(d.networks["blue"], "interface: eth2"); }},
    {"NetworkName",
     [](Document& d) {
       d.networks.rename("blue", "azure");
       for (const char* port : {"web1", "web2", "web3"}) {
         std::string& text = d.ports[port];
         text.replace(text.find("blue"), 4, "azure");
       }
     }},
    {"PortName", [](Document& d) { d.ports.rename("web1", "front1"); }},
    {"Hostname", [](Document& d) { append(d.ports["web1"], "hostname: front"); }},
    {"DefaultRoute", [](Document& d) { append(d.ports["web1"], "default_route: false"); }},
    {"Rate", [](Document& d) { append(d.ports["web1"], "rate: {ingress: 1gbit, egress: 1gbit}"); }},
    {"MigratingTo", [](Document& d) { append(d.ports["web1"], "migrating_to: h2"); }},
    {"Allow", [](Document& d) { append(d.hosts["h1"], "allow: [tcp/22]"); }},
    {"Metadata",
     [](Document& d) {
       std::string& h1 = d.hosts["h1"];
       h1.replace(h1.find("8775"), 4, "8776");
     }},
    {"FloatingIp", [](Document& d) { d.floating_ips["203.0.113.10"] = "port: web1"; },
     Fate::survives, Fate::may_end},
};

class LiveEditTest : public CloudTest, public testing::WithParamInterface<Edit> {};

TEST_P(LiveEditTest, PortsStayAndFlowsSurvive) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  Vm& web3 = world.vm("web3", h2, "blue", "10.0.0.13");
  world.up();
  for (Vm* vm : {&web1, &web2, &web3}) vm->configure();
  const Server beside(web2, "10.0.0.12", 80), far(web3, "10.0.0.13", 80);
  const Server beyond(outside, "192.0.2.1", 80);
  Session to_web2(web1, "10.0.0.12", 80), to_web3(web1, "10.0.0.13", 80);
  Session to_the_world(web1, "192.0.2.1", 80);
  ASSERT_TRUE(to_web2.connected() && to_web3.connected() && to_the_world.connected());

  const Edit& edit = GetParam();
  edit.edit(document);
  world.up();
  EXPECT_TRUE(to_web2.echoes("still here"));
  if (edit.to_its_neighbours == Fate::survives) {
    EXPECT_TRUE(to_web3.echoes("still here"));
  }
  if (edit.to_the_world == Fate::survives) {
    EXPECT_TRUE(to_the_world.echoes("still here"));
  }
  for (const Vm* vm : {&web1, &web2, &web3}) {
    EXPECT_THAT(vm->host().ip("-o link show dev " + vm->tap()), HasSubstr(" master "));
  }
}
INSTANTIATE_TEST_SUITE_P(, LiveEditTest, testing::ValuesIn(kEdits),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace novaplane::netns
