#include "tests/netns/guarded_world.h"

/// Who asks for metadata has its own fixed address, whatever it is allowed to send elsewhere.
namespace novaplane::netns {
namespace {

constexpr auto kMetadata = "169.254.169.254";
constexpr std::uint16_t kForged = 40001;

class MetadataIdentityTest : public BothWaysTest {
 protected:
  void up() {
    world.up();
    for (Vm* vm : {&web1, &web2}) vm->configure();
    for (Vm* vm : {&web1, &web2}) ASSERT_TRUE(vm->pings("10.0.0.1"));
  }
  /// As a guest or a machine on the wire would ask in the name of that address.
  std::string asks(const std::string& mac, const std::string& address) const {
    return raw::ethernet(h1.mac("br-blue"), mac, raw::kIpv4,
                         raw::syn({address, kMetadata}, kForged, 80));
  }
  /// The honest one is answered after all of it; the host knows no flow but the honest ones.
  void expect_only(const Server& server, const std::vector<std::string>& callers) const {
    for (const auto& caller : callers) {
      EXPECT_EQ(http_get(caller == web1.address() ? web1 : web2, kMetadata), caller);
    }
    EXPECT_EQ(server.callers(), callers);
    for (const auto& flow : flows(h1, fmt::format("-p tcp -d {}", kMetadata))) {
      EXPECT_THAT(flow, Not(HasSubstr(fmt::format("sport={}", kForged))));
    }
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, MetadataIdentityTest, testing::Bool(), how);

TEST_P(MetadataIdentityTest, NoGuestAsksInAnothersName) {
  document.ports["web2"] += ", allowed_pairs: [{address: 10.0.0.100}, {address: 10.9.0.0/16}]";
  const Server server(h1, "127.0.0.1", 8775);
  up();
  for (const char* address : {"10.0.0.11", "10.0.0.100", "10.9.0.1", "10.0.0.77", "192.0.2.1"}) {
    raw::send(web2, asks(web2.mac(), address));
    raw::send(web2, asks(web1.mac(), address));
  }
  expect_only(server, {"10.0.0.11", "10.0.0.12"});
}

/// It may send from any address, but not there.
TEST_P(MetadataIdentityTest, NorDoesOneWithoutPortSecurity) {
  document.ports["web2"] += ", port_security: false";
  const Server server(h1, "127.0.0.1", 8775);
  up();
  for (const char* address : {"10.0.0.11", "10.0.0.77", "192.0.2.1"}) {
    raw::send(web2, asks(web2.mac(), address));
  }
  raw::send(web2, asks("02:00:00:00:00:77", "10.0.0.12"));
  Capture elsewhere(web1, "eth0", "udp port 9");
  raw::send(web2, raw::ethernet(web1.mac(), web2.mac(), raw::kIpv4,
                                raw::udp({"10.0.0.77", "10.0.0.11"}, 9, 9, "")));
  EXPECT_TRUE(elsewhere.sees());
  expect_only(server, {"10.0.0.12", "10.0.0.11"});
}

TEST_P(MetadataIdentityTest, TheWireCannotAsk) {
  const Server server(h1, "127.0.0.1", 8775);
  up();
  const std::string mac = "02:00:00:00:00:31";
  for (const char* address : {"10.0.0.31", "10.0.0.11", "10.0.0.1", "192.0.2.1"}) {
    raw::send(world.fabric, asks(mac, address), h1.wire_end("eth1"));
  }
  Capture elsewhere(web1, "eth0", "udp port 9");
  raw::send(
      world.fabric,
      raw::ethernet(web1.mac(), mac, raw::kIpv4, raw::udp({"10.0.0.31", "10.0.0.11"}, 9, 9, "")),
      h1.wire_end("eth1"));
  EXPECT_TRUE(elsewhere.sees()) << "the wire is there";
  expect_only(server, {"10.0.0.11"});
}

TEST_P(MetadataIdentityTest, AGuestWithGroupsIsAnsweredToo) {
  document.security_groups["none"] = "egress: []";
  document.ports["web1"] += ", security_groups: [none]";
  document.ports["web2"] += ", port_security: false";
  const Server server(h1, "127.0.0.1", 8775);
  up();
  expect_only(server, {"10.0.0.11", "10.0.0.12"});
}

}  // namespace
}  // namespace novaplane::netns
