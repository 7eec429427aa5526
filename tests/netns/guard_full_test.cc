#include "tests/netns/ipv6_cloud.h"
#include "tests/netns/world/flows.h"
#include "tests/netns/world/frames.h"
#include "tests/netns/world/segments.h"

/// A host whose conntrack is full keeps what it has; of new flows nothing leaves with a guest's own
/// address, nor does the host answer in a guest's place.
namespace novaplane::netns {
namespace {

/// All kinds of first and stray packets of a guest to the world.
void send_all_kinds(const Vm& vm, const std::string& from, const std::string& to) {
  for (const std::uint8_t flags : {kSyn, kAck, kRst, std::uint8_t(kSyn | kAck), kFin})
    send_segment(vm, {from, to, 5555, 4444, flags});
  send_datagram(vm, to, 4444, "x");
  vm.run({"ping", "-n", "-q", "-c", "1", "-W", "0.01", to});
}

class FullTest : public Ipv6Cloud {
 protected:
  FullTest() {
    document.floating_ips["203.0.113.10"] = "port: web1";
    document.floating_ips["2001:db8:f::10"] = "port: web1";
  }
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, FullTest, testing::Bool(), how);

TEST_P(FullTest, NothingOfANewFlowLeavesOrIsAnswered) {
  world.up();
  for (Vm* vm : {&web1, &web2}) {
    vm->configure();
    autoconfigure(*vm);
  }
  const Server ssh(h1, "0.0.0.0", 22), ssh6(h1, "::", 23), beyond(outside, "0.0.0.0", 80),
      in_web1(web1, "0.0.0.0", 22);
  Session out(web1, "192.0.2.1", 80), in(outside, "203.0.113.10", 22);
  ASSERT_TRUE(out.connected() && in.connected());
  fill_flows(h1);
  const std::string words = "raise net.netfilter.nf_conntrack_max to";
  EXPECT_THAT(h1.plan().err, HasSubstr(words));
  EXPECT_THAT(h1.show().out, HasSubstr(words));
  Capture leaks(outside, "eth0", "src net 10.0.0.0/24 or (ip6 and src net 2001:db8:1::/64)");
  Capture answers(outside, "eth0",
                  "(src host 203.0.113.10 or src host 2001:db8:f::10) and not port 22 or "
                  "(tcp port 7777)");
  Capture tried(h1, web1.tap(), "port 4444");
  for (const Vm* vm : {&web1, &web2}) {
    send_all_kinds(*vm, vm->address(), "192.0.2.1");
    send_all_kinds(*vm, slaac(*vm), "2001:db8:ff::1");
  }
  for (const std::uint16_t port : {22, 23}) {
    send_segment(outside, {"192.0.2.1", "203.0.113.10", 7777, port, kSyn});
    send_segment(outside, {"2001:db8:ff::1", "2001:db8:f::10", 7777, port, kSyn});
  }
  EXPECT_TRUE(tried.sees());
  EXPECT_TRUE(out.echoes("what was there goes on"));
  EXPECT_TRUE(in.echoes("this way too"));
  EXPECT_EQ(leaks.text(), "");
  // Each question of the other side is no answer.
  EXPECT_THAT(answers.text(), Not(HasSubstr("203.0.113.10.22 >")));
  EXPECT_THAT(answers.text(), Not(HasSubstr("2001:db8:f::10.23 >")));
  EXPECT_THAT(ssh.callers(), IsEmpty());
  EXPECT_THAT(ssh6.callers(), IsEmpty());
  forget_flows(h1);
  EXPECT_THAT(h1.plan().err, Not(HasSubstr(words)));
  EXPECT_EQ(seen_at(web1, "192.0.2.1", 80), "203.0.113.10");
}

}  // namespace
}  // namespace novaplane::netns
