#include <netinet/in.h>

#include "tests/netns/security_world.h"

/// Groups in IPv6: real guests with their own addresses, and frames of others.
namespace novaplane::netns {
namespace {

class SecurityGroups6Test : public SecurityTest {
 protected:
  /// Who sees whom: each guest has its port's address, and others of its choice beside it.
  static void uses_only(const Vm& vm) { vm.sysctl("net/ipv6/conf/eth0/use_tempaddr", "0"); }
  static std::string frame(const Vm& from, const Vm& to, const std::string& packet) {
    return raw::ethernet(to.mac(), from.mac(), raw::kIpv6, packet);
  }
  std::string at_web = slaac(web), at_db = slaac(db), at_far = slaac(far), at_tight = slaac(tight);
};
INSTANTIATE_TEST_SUITE_P(, SecurityGroups6Test, testing::Bool(), how);

TEST_P(SecurityGroups6Test, TheRulesDecide) {
  for (Vm* vm : {&web, &db, &tight, &far}) uses_only(*vm);
  up6();
  const Server page(web, "::", 80), rows(db, "::", 5432), to_tight(db, "::", 80);
  const Server free(far, "::", 53), served(tight, "::", 8050);
  EXPECT_EQ(seen_at(web, at_db, 5432), at_web);
  EXPECT_EQ(seen_at_udp(web, at_db, 5432), at_web);
  EXPECT_EQ(seen_at(db, at_web, 80), at_db);
  EXPECT_EQ(seen_at(far, at_web, 80), at_far);
  EXPECT_EQ(seen_at(tight, at_db, 80), at_tight) << "by group, on both sides";
  EXPECT_EQ(seen_at_udp(tight, at_far, 53), at_tight);
  EXPECT_EQ(seen_at(far, at_tight, 8050), at_far);
  EXPECT_TRUE(refused({web, db, at_db, 22, "tcp"}, serves(web, at_db, 5432)));
  EXPECT_TRUE(refused({far, web, at_web, 22, "tcp"}, serves(far, at_web, 80)));
  EXPECT_TRUE(refused({far, web, at_web, 8060, "tcp"}, serves(far, at_web, 80)))
      << "a range of IPv4 opens nothing here";
  EXPECT_TRUE(refused({tight, db, at_db, 5432, "tcp"}, serves(tight, at_db, 80)));
  EXPECT_TRUE(refused({far, db, at_db, 5432, "tcp"}, hears(far, db)));
  Capture passes(far, "eth0", "tcp port 80");
  seen_at(tight, at_far, 80, Duration(1));
  EXPECT_EQ(seen_at_udp(tight, at_far, 53), at_tight);
  EXPECT_EQ(passes.text(), "");
}

TEST_P(SecurityGroups6Test, EchoRequestsErrorsAndLongOnes) {
  up6();
  EXPECT_TRUE(db.pings(at_web));
  EXPECT_TRUE(far.pings(at_web));
  EXPECT_TRUE(unanswered(web, at_db, "2001:db8:1::1"));
  EXPECT_TRUE(tight.pings("2001:db8:1::1")) << "its host";
  EXPECT_TRUE(db.pings("2001:db8:ff::1"));
  EXPECT_TRUE(pings_with(db, at_web, 3000));
  EXPECT_TRUE(pings_with(far, at_tight, 3000));
  Capture error(db, "eth0", "icmp6 and ip6[40] = 1");
  send_datagram(db, at_far, 9, "is anybody there?\n");
  EXPECT_TRUE(error.sees());
}

TEST_P(SecurityGroups6Test, FromOutsideTheCallerIsJudged) {
  document.security_groups["web"].replace(document.security_groups["web"].find("[192.0.2.0/24]"),
                                          14, "[\"2001:db8:ff::/64\"]");
  const std::string floating = "2001:db8:f::10";
  document.floating_ips[floating] = "port: web";
  up6();
  const Server page(web, "::", 80), range(web, "::", 8050);
  EXPECT_EQ(seen_at(outside, floating, 80), "2001:db8:ff::1");
  EXPECT_EQ(seen_at(outside, floating, 8050), "2001:db8:ff::1") << "by its range";
  EXPECT_TRUE(refused({outside, web, floating, 22, "tcp"}, serves(outside, floating, 80)));
  EXPECT_TRUE(refused({far, web, at_web, 8050, "tcp"}, serves(far, at_web, 80)));
}

TEST_P(SecurityGroups6Test, AMadeUpAnswerIsNone) {
  world.up();
  const raw::Ends ends{at_far, at_db}, own{at_db, at_far};
  const auto error = [&](const std::string& packet) {
    return frame(far, db, raw::icmpv6(ends, 1, raw::big(0, 4) + packet));
  };
  const std::string question = raw::udp(own, 4000, 53, "q");
  const std::string behind =
      raw::ip(ends, IPPROTO_HOPOPTS, raw::options6(IPPROTO_UDP) + raw::datagram(ends, 53, 22, "x"));
  Trials from_far(far, db);
  from_far.expect({
      {"of DNS", {frame(far, db, raw::udp(ends, 53, 4000, "a"))}, false},
      {"of TCP",
       {frame(far, db, raw::segment({at_far, at_db, 80, 4001, kSyn | kAck, 1, 1}))},
       false},
      {"of an echo", {frame(far, db, raw::icmpv6(ends, 129, raw::big(0x004d0001, 4)))}, false},
      {"an error of a datagram", {error(question)}, false},
      {"behind a header", {frame(far, db, behind)}, false},
  });
  EXPECT_TRUE(Trials(db, far).passes(frame(db, far, question)));
  from_far.expect({
      {"now it is one", {frame(far, db, raw::udp(ends, 53, 4000, "a"))}, true},
      {"and the error of it", {error(question)}, true},
      {"of another one", {error(raw::udp(own, 4000, 54, "q"))}, false},
  });
}

TEST_P(SecurityGroups6Test, FragmentsFollowTheirFirstOne) {
  if (GetParam()) GTEST_SKIP() << "br_netfilter puts them together";
  world.up();
  const raw::Ends ends{at_web, at_db};
  const auto pieces = [&](std::uint16_t port) {
    const std::string whole = raw::datagram(ends, 4000, port, std::string(2000, 'x'));
    const std::string_view bytes = whole;
    return std::vector<std::string>{
        frame(web, db, raw::fragment6(ends, IPPROTO_UDP, bytes.substr(0, 1400), 0, true)),
        frame(web, db, raw::fragment6(ends, IPPROTO_UDP, bytes.substr(1400), 1400, false))};
  };
  Trials(web, db).expect({{"to a port that db does not take", pieces(53), false},
                          {"to one that it takes", pieces(5432), true}});
}

}  // namespace
}  // namespace novaplane::netns
