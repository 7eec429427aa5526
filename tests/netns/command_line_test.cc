#include <signal.h>

#include <filesystem>

#include "tests/netns/cloud_test.h"

/// What an operator reads: tables, plans, and a sentence that says what to do next after each of
/// the likely mistakes.
namespace novaplane::netns {
namespace {

class CommandLineTest : public CloudTest {
 protected:
  CommandLineTest() { document.floating_ips["203.0.113.10"] = "port: web1"; }

  /// As it is typed: no options are added.
  Outcome typed(std::vector<std::string> words) const {
    words.insert(words.begin(), NOVAPLANE_PROGRAM);
    return h1.run(std::move(words));
  }

  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
};

TEST_F(CommandLineTest, ShowTellsWhatIsWithoutADocument) {
  world.up();
  std::filesystem::remove(world.file());
  const auto networks = lines_of(h1.show({"networks"}).out);
  ASSERT_EQ(networks.size(), 2u);
  EXPECT_THAT(words_of(networks[0]), ElementsAre("NETWORK", "BRIDGE", "SEGMENT", "ADDRESS", "MTU",
                                                 "PORTS", "WIRE", "STATE", "DHCP"));
  EXPECT_THAT(words_of(networks[1]), ElementsAre("blue", "br-blue", "flat", "10.0.0.1/24", "1500",
                                                 "1", "eth1", "up", "dnsmasq", testing::_));
  const auto ports = lines_of(h1.show({"ports"}).out);
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_THAT(words_of(ports[1]), ElementsAre("web1", "tap-web1", "blue", "br-blue", web1.mac(),
                                              "10.0.0.11", "up", "203.0.113.10"));
  const auto floating_ips = lines_of(h1.show({"floating-ips"}).out);
  ASSERT_EQ(floating_ips.size(), 2u);
  EXPECT_THAT(words_of(floating_ips[1]),
              ElementsAre("203.0.113.10", "10.0.0.11", "web1", "wan", "eth0", "local", "route"));
  const auto uplinks = lines_of(h1.show({"uplinks"}).out);
  ASSERT_EQ(uplinks.size(), 2u);
  EXPECT_THAT(words_of(uplinks[1]), ElementsAre("wan", "eth0", "192.0.2.11", "up", "blue"));
  EXPECT_THAT(h1.show({"--json"}).out,
              AllOf(HasSubstr("\"bridge\": \"br-blue\""), HasSubstr("\"warnings\": []"),
                    HasSubstr("\"uplink_name\": \"wan\""), HasSubstr("\"name\": \"wan\"")));
  world.write();
}

/// One rule for whoever reads documents: none takes the address for served.
TEST_F(CommandLineTest, APublicAddressOfAPortWithoutAHostIsRefusedByAll) {
  world.up();
  Daemon daemon(world, h2);
  ASSERT_TRUE(daemon.ready());
  document.ports["vip"] = "network: blue, mac: fa:16:3e:00:00:99, address: 10.0.0.99";
  document.floating_ips["203.0.113.99"] = "port: vip";
  document.port_forwards["web"] =
      "address: 203.0.113.80, protocol: tcp, port: 80, to_port: vip, to: 80";
  const auto refusal =
      AllOf(testing::ContainsRegex(":[0-9]+:[0-9]+: floating_ips.203.0.113.99.port: port vip has "
                                   "no host"),
            HasSubstr("port_forwards.web.to_port: port vip has no host"),
            HasSubstr("name the host that 10.0.0.99 is on"), Not(HasSubstr("web1")));
  world.write();
  for (const Outcome& refused : {typed({"check", world.file()}), h1.plan(), h1.up()}) {
    EXPECT_EQ(refused.status, 1);
    EXPECT_THAT(refused.err, refusal);
  }
  EXPECT_TRUE(daemon.says("port vip has no host")) << daemon.log();
  document.ports["vip"] += ", host: h2, interface: tap-vip";
  world.write();
  const auto fine = typed({"check", world.file()});
  EXPECT_EQ(fine.status, 0) << fine.text();
  world.up();
  EXPECT_EQ(daemon.terminate(), 0);
}

TEST_F(CommandLineTest, ShowSeesWhatIsNotWell) {
  world.up();
  h1.kill_all("dnsmasq");
  h1.ip("link set tap-web1 nomaster");
  h1.nft(
      "table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop; }; }");
  const auto seen = h1.show().out;
  EXPECT_THAT(seen, AllOf(HasSubstr("not running"), HasSubstr("detached"),
                          HasSubstr("table ip filter, chain FORWARD")));
  const auto plan = h1.plan();
  EXPECT_EQ(plan.status, 2);
  EXPECT_THAT(plan.out, AllOf(HasSubstr("start dnsmasq"), HasSubstr("tap-web1")));
  EXPECT_THAT(plan.err, HasSubstr("table ip filter, chain FORWARD"));
  h1.nft("delete table ip filter");
  world.up();
}

TEST_F(CommandLineTest, UpTellsInFewWordsWhatItDid) {
  world.document.ports["late"] =
      "network: blue, host: h1, mac: fa:16:3e:00:00:99, address: 10.0.0.99, interface: tap-late";
  world.write();
  const auto first = h1.up();
  EXPECT_THAT(first.out, AllOf(HasSubstr("created   1 bridge\n"), HasSubstr("attached  2 ports\n"),
                               HasSubstr("started   1 dnsmasq\n"),
                               HasSubstr("waiting   port late: no link tap-late yet\n")));
  EXPECT_EQ(first.err, "");
  EXPECT_THAT(h1.up().out, HasSubstr("nothing to do\n"));
  EXPECT_EQ(h1.plan().status, 0) << "what waits for its link is no change";
  EXPECT_THAT(h1.down().out, AllOf(HasSubstr("detached  2 ports\n"), HasSubstr("1 bridge"),
                                   HasSubstr("stopped   1 dnsmasq\n")));
  EXPECT_EQ(h1.down().out, "nothing to do\n");
  world.up();
}

/// What the kernel cannot remember may have been cut or edited.
TEST_F(CommandLineTest, ASpoiledFileOfTheRunDirectoryIsSaidAndEndsNothing) {
  h1.sysctl("net/ipv4/ip_forward", "0");
  world.up();
  const std::string originals = h1.run_dir() + "/originals";
  write_file(originals, read_file(originals) + "mtu:tap-web1 many 1450\n");
  const auto said = HasSubstr(originals + ", line ");
  EXPECT_THAT(h1.show().out, said);
  EXPECT_THAT(h1.plan().err, said);
  const auto down = h1.down();
  EXPECT_EQ(down.status, 0) << down.text();
  EXPECT_THAT(down.err, said);
  EXPECT_EQ(h1.sysctl("net/ipv4/ip_forward"), "0") << "what is good in it is put back";
  world.up();
}

TEST_F(CommandLineTest, ManyPortsWithoutLinksAreOneLineOfTheLog) {
  for (int i = 0; i < 200; ++i) {
    document.ports[fmt::format("late{:03}", i)] = fmt::format(
        "network: blue, host: h1, mac: \"fa:16:3e:01:00:{0:02x}\", address: 10.0.0.{1}, "
        "interface: tap-late{0}",
        i, 40 + i);
  }
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  EXPECT_TRUE(daemon.says("1 network, 201 ports, 1 floating IP")) << daemon.log();
  EXPECT_TRUE(
      daemon.says("200 ports without their links yet: late000, late001, late002 and 197 "
                  "more (`novaplane show ports` lists them)"))
      << daemon.log();
  EXPECT_THAT(daemon.log(), Not(HasSubstr("late100")));
  EXPECT_THAT(h1.show({"ports"}).out, HasSubstr("late100"));
  daemon.terminate();
  world.up();
}

TEST_F(CommandLineTest, EachLikelyMistakeIsAnswered) {
  world.write();
  const std::string& file = world.file();
  const auto no_such_file = typed({"up", world.folder() + "/clod.yaml"});
  EXPECT_EQ(no_such_file.status, 1);
  EXPECT_THAT(no_such_file.err,
              AllOf(HasSubstr("No such file"), HasSubstr("did you mean " + file + "?")));
  const auto no_such_host = typed({"plan", file, "--host", "h3"});
  EXPECT_EQ(no_such_host.status, 1);
  EXPECT_THAT(no_such_host.err, HasSubstr("h1, h2"));
  const auto no_such_command = typed({"plna", file});
  EXPECT_EQ(no_such_command.status, 64);
  EXPECT_THAT(no_such_command.err, HasSubstr("did you mean plan?"));
  const auto no_such_option = typed({"plan", file, "--jsno"});
  EXPECT_EQ(no_such_option.status, 64);
  EXPECT_THAT(no_such_option.err, HasSubstr("did you mean --json?"));
  const std::string tab = world.folder() + "/tab.yaml";
  write_file(tab, "hosts:\n\th1: {}\n");
  EXPECT_THAT(typed({"check", tab}).err, HasSubstr("tab.yaml:2:1: a tab in the indentation"));
  for (const auto& outcome : {no_such_file, no_such_host, no_such_command, no_such_option})
    EXPECT_EQ(outcome.out, "");
}

TEST_F(CommandLineTest, CheckHintsAtAGroupThatNobodyHas) {
  document.security_groups["old"] = "ingress: [{}]";
  world.write();
  const auto hinted = typed({"check", world.file()});
  EXPECT_EQ(hinted.status, 0);
  EXPECT_THAT(hinted.out, HasSubstr("1 security group"));
  EXPECT_THAT(hinted.err,
              HasSubstr(": hint: security_groups.old: no port and no network has this group"));
  EXPECT_THAT(typed({"check", world.file(), "--json"}).out, HasSubstr("\"kind\": \"unused\""));
}

TEST_F(CommandLineTest, WithoutPrivilegesItSaysWhatItNeeds) {
  for (const std::string command : {"show", "down"}) {
    const auto outcome = h1.run({"setpriv", "--bounding-set=-net_admin", NOVAPLANE_PROGRAM, command,
                                 "--run-dir", h1.run_dir()});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_THAT(outcome.err,
                AllOf(HasSubstr("needs root"), HasSubstr("sudo novaplane " + command)));
  }
}

TEST_F(CommandLineTest, BesideADaemonNothingElseWrites) {
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  const auto pid = std::to_string(daemon.pid());
  const auto down = h1.novaplane({"down"});
  EXPECT_EQ(down.status, 1);
  EXPECT_THAT(down.err, AllOf(HasSubstr(pid), HasSubstr(world.file()), HasSubstr("stop it first")));
  const std::string other = world.folder() + "/other.yaml";
  write_file(other, document.text());
  const auto up = h1.novaplane({"up", other});
  EXPECT_EQ(up.status, 1);
  EXPECT_THAT(up.err, AllOf(HasSubstr(pid), HasSubstr(world.file()), HasSubstr(other)));
  EXPECT_THAT(h1.show({"networks"}).out, HasSubstr("br-blue")) << "looking is free";
  daemon.terminate();
}

}  // namespace
}  // namespace novaplane::netns
