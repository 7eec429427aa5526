#include "tests/netns/recorded/cloud.h"
#include "tests/netns/refused.h"
#include "tests/netns/world/recording.h"
#include "tests/netns/world/talk.h"

/// A host that a version without port security and security groups has brought up, and still
/// serves.
namespace novaplane::netns {
namespace {

class UpgradeSecurityTest : public RecordedCloud, public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    world.write();
    restore(h1, folder(GetParam()));
    write();
    for (Vm* vm : {&web1, &app1, &job1, &app2}) vm->configure();
  }
  void TearDown() override { world.expect_converged(); }

  /// The other host has been upgraded before.
  void write() {
    world.write();
    EXPECT_TRUE(world.h2.up().ok());
  }
  /// Its guest uses that address too, which its host knows.
  void uses(const Vm& vm, const std::string& address, const std::string& gateway) {
    vm.ip("address add " + address + "/24 dev eth0");
    EXPECT_TRUE(reaches(vm, address, gateway)) << address;
    EXPECT_THAT(h1.ip("neighbour show " + address), HasSubstr(vm.mac()));
  }
  static bool reaches(const Vm& vm, const std::string& from, const std::string& to) {
    return eventually([&] {
      return vm.run({"ping", "-n", "-q", "-c", "1", "-W", "0.3", "-I", from, to}).ok();
    });
  }
  Outcome check() { return h1.run({NOVAPLANE_PROGRAM, "check", world.file(), "--host", "h1"}); }

  Namespace& outside = world.outside;
};
INSTANTIATE_TEST_SUITE_P(, UpgradeSecurityTest, testing::Values("af47eac"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(UpgradeSecurityTest, WhatIsCutOffIsSaidFirst) {
  constexpr auto kCutOff = "10.5.0.99", kPair = "10.5.0.98", kFree = "10.1.0.97",
                 kTenant = "10.5.0.1", kGreen = "10.1.0.1";
  document.ports["app1"] += ", allowed_pairs: [{address: 10.5.0.98}]";
  document.ports["web1"] += ", port_security: false";
  write();
  uses(job1, kCutOff, kTenant);
  uses(app1, kPair, kTenant);
  uses(web1, kFree, kGreen);
  const Outcome hint = check(), plan = h1.plan();
  EXPECT_THAT(hint.err, HasSubstr("hint: port security is on by default since 0.1.0, and 3 ports "
                                  "of this host run without it"));
  EXPECT_EQ(plan.status, 2);
  EXPECT_THAT(plan.text(), AllOf(HasSubstr("port job1 gets port security, and its guest also uses "
                                           "10.5.0.99: that will be cut off"),
                                 Not(HasSubstr(kPair)), Not(HasSubstr(kFree))));
  EXPECT_TRUE(reaches(job1, kCutOff, kTenant)) << "nothing has changed yet";
  const Outcome up = h1.up();
  ASSERT_TRUE(up.ok()) << up.text();
  Capture asks(job1, "eth0", "icmp and src host 10.5.0.99"),
      heard(h1, "br-tenant", "icmp and src host 10.5.0.99");
  job1.run({"ping", "-n", "-q", "-c", "1", "-W", "0.01", "-I", kCutOff, kTenant});
  EXPECT_TRUE(asks.sees());
  EXPECT_TRUE(reaches(job1, job1.address(), kTenant) && reaches(app1, kPair, kTenant) &&
              reaches(web1, kFree, kGreen));
  EXPECT_EQ(heard.text(), "");
  EXPECT_EQ(check().err, "");
  const Outcome again = h1.plan();
  EXPECT_EQ(again.status, 0) << again.text();
  EXPECT_THAT(again.text(), Not(HasSubstr("cut off")));
}

TEST_P(UpgradeSecurityTest, RunningFlowsGoOnUnderGroups) {
  const Server page(web1, "0.0.0.0", 80), ssh(web1, "0.0.0.0", 22), app(app1, "0.0.0.0", 80),
      far(app2, "0.0.0.0", 80), beyond(outside, "192.0.2.1", 8080);
  Talk to_page(outside, "203.0.113.10", 80), to_ssh(outside, "192.0.2.11", 2222),
      snat(job1, "192.0.2.1", 8080), tunnel(app1, "10.5.0.12", 80);
  const auto go_on = [&](const std::string& when) {
    EXPECT_TRUE(to_page.goes_on()) << "by a rule, " << when;
    EXPECT_TRUE(to_ssh.goes_on()) << "from before, " << when;
    EXPECT_TRUE(snat.goes_on() && tunnel.goes_on()) << "the guest's own, " << when;
  };
  go_on("before");
  document.security_groups["web"] = "ingress: [{protocol: tcp, ports: 80}]";
  document.security_groups["closed"] = "ingress: []";
  document.ports["web1"] += ", security_groups: [web]";
  for (const Vm* vm : {&app1, &job1}) document.ports[vm->name()] += ", security_groups: [closed]";
  write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
  go_on("after");
  const auto open = serves(outside, "203.0.113.10", 80);
  EXPECT_TRUE(refused({outside, web1, "203.0.113.10", 22, "tcp"}, open)) << "what begins now";
  EXPECT_TRUE(refused({app2, app1, "10.5.0.11", 80, "tcp"}, hears(app2, app1)));
  EXPECT_EQ(daemon.terminate(), 0);
}

}  // namespace
}  // namespace novaplane::netns
