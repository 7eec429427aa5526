#include "tests/unit/cloud/mistakes.h"

namespace novaplane::cloud::test {
namespace {

const std::string kBegin = kBeginning;

TEST(Keys, AreKnownAndStandOnce) {
  expect_mistakes({
      {"unknown at the top",
       kBegin + R"(port: {}
)",
       {R"(6:1 unknown-key: port: unknown key; did you mean ports?)"}},
      {"unknown far from all",
       kBegin + R"(zebra: 1
)",
       {R"(6:1 unknown-key: zebra: unknown key; known are hosts, networks, ports, floating_ips, port_forwards, security_groups, no_snat, force_snat, pools)"}},
      {"unknown with a value to skip",
       kBegin + R"(ports:
  web:
    adress: {deep: [1, {2: 3}]}
    network: blue
    mac: "fa:16:3e:00:00:01"
    address: 10.0.0.11
)",
       {R"(8:5 unknown-key: ports.web.adress: unknown key; did you mean address?)"}},
      {"twice",
       kBegin + R"(no_snat: []
no_snat: []
)",
       {R"(7:1 duplicate-key: no_snat: stands here a second time)"}},
      {"a name twice",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:00:01", address: 10.0.0.11, interface: tap1}
  web: {}
)",
       {R"(8:3 duplicate-key: ports.web: stands here a second time)"}},
      {"one floating IP twice in two notations",
       kBegin + R"(floating_ips:
  2001:db8::1: {}
  2001:DB8:0::1: {}
)",
       {R"(8:3 duplicate-key: floating_ips.2001:DB8:0::1: stands here a second time)"}},
      {"a map as a key",
       kBegin + R"(no_snat: []
? {a: b}
: {c: d}
force_snat: []
)",
       {R"(7:3 wrong-type: a key must be a single value, not a map)"}},
      {"missing",
       kBegin + R"(ports:
  web: {}
)",
       {R"(7:3 missing: ports.web.network: is missing)",
        R"(7:3 missing: ports.web.mac: is missing)",
        R"(7:3 missing: ports.web.address: is missing)"}},
      {"missing in lists",
       kBegin +
           R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, dhcp: {routes: [{}]}}
)",
       {R"(6:80 missing: networks.red.dhcp.routes[0].destination: is missing)",
        R"(6:80 missing: networks.red.dhcp.routes[0].via: is missing)"}},
  });
}

TEST(Types, AreNotGuessed) {
  expect_mistakes({
      {"a list for a map",
       kBegin + R"(ports: [a]
)",
       {R"(6:8 wrong-type: ports: must be a map, not a list)"}},
      {"a value for a map",
       kBegin + R"(ports: a
)",
       {R"(6:8 wrong-type: ports: must be a map, not a single value)"}},
      {"a map for a list",
       kBegin + R"(no_snat: {}
)",
       {R"(6:10 wrong-type: no_snat: must be a list, not a map)"}},
      {"a map for a value",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:01:01", address: {a: b}, interface: tapx1}
)",
       {R"(7:69 wrong-type: ports.web.address: must be a single value, not a map)"}},
      {"nothing for a value",
       kBegin + R"(ports:
  web: {network: blue, host: h1, mac: "fa:16:3e:00:01:02", address: ~, interface: tapx2}
)",
       {R"(7:69 wrong-type: ports.web.address: must be a single value, not empty)"}},
      {"text for a number",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, mtu: big}
)",
       {R"(6:69 wrong-type: networks.red.mtu: "big" is not a number from 68 to 65535)"}},
      {"a quoted number",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, mtu: "1450"}
)",
       {R"(6:69 wrong-type: networks.red.mtu: "1450" is not a number from 68 to 65535 (without quotes))"}},
      {"an octal number",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, mtu: 01450}
)",
       {R"(6:69 wrong-type: networks.red.mtu: "01450" is not a number from 68 to 65535)"}},
      {"a number out of range",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, mtu: 67}
)",
       {R"(6:69 bad-value: networks.red.mtu: "67" is not a number from 68 to 65535)"}},
      {"yes",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, snat: yes}
)",
       {R"(6:70 wrong-type: networks.red.snat: "yes" is not true or false)"}},
      {"a quoted true",
       kBegin + R"(  red: {cidr: 10.2.0.0/24, gateway: 10.2.0.1, interface: eth5, snat: "true"}
)",
       {R"(6:70 wrong-type: networks.red.snat: "true" is not true or false (without quotes))"}},
  });
}

}  // namespace
}  // namespace novaplane::cloud::test
