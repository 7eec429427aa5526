#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/scripted_daemon.h"

namespace novaplane::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class EditsTest : public CloudCommandTest {
 protected:
  void expect_misused(std::vector<std::string> words, const std::string& sentence) {
    const auto told = typed(std::move(words));
    EXPECT_EQ(told.status, kUsage) << sentence;
    EXPECT_THAT(told.err, HasSubstr(sentence));
    EXPECT_THAT(requests(), IsEmpty());
  }
  /// The patch that `set` sends for the words.
  std::string patch(std::vector<std::string> words, const std::string& kind = "network") {
    answers({200, "{}"});
    words.insert(words.begin(), {"set", kind, kind == "floating-ip" ? "203.0.113.10" : "x"});
    const auto told = typed(words);
    EXPECT_EQ(told.status, kDone) << told.err;
    const std::string request = requests().back();
    return request.substr(std::min(request.find('{'), request.size()));
  }
};

// --- create

TEST_F(EditsTest, CreatesAndTellsWhatWasAllocated) {
  answers({201, R"({"network":"blue","host":"h1","mac":"fa:16:3e:12:34:56","address":"10.0.0.14"})",
           "ETag: \"43\"\r\nLocation: /v1/ports/web1\r\n"});
  const auto told = typed({"create", "port", "web1", "network=blue", "host=h1"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out,
            "created port web1 at revision 43: mac fa:16:3e:12:34:56, address 10.0.0.14\n");
  EXPECT_THAT(requests(),
              ElementsAre(R"(POST /v1/ports {"name":"web1","network":"blue","host":"h1"})"));
  EXPECT_THAT(daemon_->head_of(0), HasSubstr("Content-Type: application/json"));
}

TEST_F(EditsTest, CreatesAFloatingIpWithOrWithoutItsAddress) {
  answers({201, R"({"port":"web1"})", "Location: /v1/floating_ips/203.0.113.10\r\n"});
  typed({"create", "floating-ip", "203.0.113.10", "port=web1"});
  answers({201, R"({})", "Location: /v1/floating_ips/2001%3Adb8%3A%3A7\r\n"});
  EXPECT_EQ(typed({"create", "fip", "pool=public"}).out, "created floating IP 2001:db8::7\n");
  EXPECT_THAT(requests(),
              ElementsAre(R"(POST /v1/floating_ips {"address":"203.0.113.10","port":"web1"})",
                          R"(POST /v1/floating_ips {"pool":"public"})"));
}

TEST_F(EditsTest, SaysWhatOfACreateWasMistyped) {
  expect_misused({"create", "prot", "web1"}, "there is no kind 'prot': did you mean port?");
  expect_misused({"create", "port", "network=blue"}, "create needs a name");
  expect_misused({"create", "port", "web1", "network", "blue"}, "'network' is not KEY=VALUE");
  expect_misused({"create", "port", "web1", "network=blue", "host"}, "'host' is not KEY=VALUE");
  expect_misused({"create", "port", "web1", "host="}, "host= has no value");
  expect_misused({"create", "port", "web1", "host=a", "host=b"}, "host is given twice");
  expect_misused({"create", "ranges", "no_snat=10.0.0.0/8"}, "novaplane set ranges");
}

// --- set

TEST_F(EditsTest, SetsByAMergePatch) {
  answers({200, "{}", "ETag: \"44\"\r\n"});
  const auto told = typed({"set", "port", "web1", "host=h2", "interface="});
  EXPECT_EQ(told.out, "changed port web1 at revision 44\n");
  EXPECT_THAT(requests(), ElementsAre(R"(PATCH /v1/ports/web1 {"host":"h2","interface":null})"));
  EXPECT_THAT(daemon_->head_of(0), HasSubstr("Content-Type: application/merge-patch+json"));
  EXPECT_THAT(daemon_->head_of(0), Not(HasSubstr("If-Match")));
}

TEST_F(EditsTest, ReadsValuesAsYamlDoes) {
  EXPECT_EQ(patch({"mtu=1450", "snat=false", "gateway=10.0.0.1"}),
            R"({"mtu":1450,"snat":false,"gateway":"10.0.0.1"})");
  EXPECT_EQ(patch({"gateway6=fe80::1"}), R"({"gateway6":"fe80::1"})");
  EXPECT_EQ(patch({"mac=fa:16:3e:00:00:01", "hostname='007'"}, "port"),
            R"({"mac":"fa:16:3e:00:00:01","hostname":"007"})");
  EXPECT_EQ(patch({"mark_mask=0xff00000f", "metadata=[2001:db8::1]:80"}, "host"),
            R"({"mark_mask":"0xff00000f","metadata":"[2001:db8::1]:80"})");
}

TEST_F(EditsTest, SetsKeysInMaps) {
  EXPECT_EQ(patch({"dhcp.lease=1h", "dhcp.domain=", "segment.vlan=101"}),
            R"({"dhcp":{"lease":"1h","domain":null},"segment":{"vlan":101}})");
}

TEST_F(EditsTest, MakesAListWhereTheDocumentHasOne) {
  EXPECT_EQ(patch({"security_groups=web", "uplinks=wan,lan"}),
            R"({"security_groups":["web"],"uplinks":["wan","lan"]})");
  EXPECT_EQ(patch({"dhcp.dns=1.1.1.1"}), R"({"dhcp":{"dns":["1.1.1.1"]}})");
  EXPECT_EQ(patch({"security_groups=[]"}, "port"), R"({"security_groups":[]})");
  EXPECT_EQ(patch({"ranges=203.0.113.0/24"}, "pool"), R"({"ranges":["203.0.113.0/24"]})");
  EXPECT_EQ(patch({"dhcp.options.ntp-server=10.0.0.1,10.0.0.2"}),
            R"({"dhcp":{"options":{"ntp-server":"10.0.0.1,10.0.0.2"}}})");
  answers({200, "{}"});
  typed({"set", "ranges", "no_snat=10.0.0.0/8"});
  EXPECT_EQ(requests().back(), R"(PATCH /v1/ranges/snat {"no_snat":["10.0.0.0/8"]})");
}

TEST_F(EditsTest, TakesJsonAndYaml) {
  const std::string wanted = R"({"uplinks":[{"name":"wan","interface":"eth0","weight":2}]})";
  EXPECT_EQ(patch({R"(uplinks=[{"name":"wan","interface":"eth0","weight":2}])"}, "host"), wanted);
  EXPECT_EQ(patch({"uplinks=[{name: wan, interface: eth0, weight: 2}]"}, "host"), wanted);
}

TEST_F(EditsTest, SaysWhatOfASetWasMistyped) {
  expect_misused({"set", "port", "web1"}, "set needs KEY=VALUE");
  expect_misused({"set", "port", "host=h1"}, "set needs a name");
  expect_misused({"set", "port", "web1", "host", "h2"}, "'host' is not KEY=VALUE");
  expect_misused({"set", "port", "web1", "=h2"}, "'=h2' is not KEY=VALUE");
  expect_misused({"set", "network", "blue", "dhcp.=1h"}, "'dhcp.' is no key");
  expect_misused({"set", "host", "h1", "uplinks=[{name: wan]"}, "is neither JSON nor YAML");
  expect_misused({"set", "network", "blue", "dhcp=off", "dhcp.lease=1h"},
                 "dhcp.lease is given twice");
}

// --- delete

TEST_F(EditsTest, DeletesAndGoesOnAfterOneThatIsNotThere) {
  refuses(404, R"({"detail": "there is no port web1"})");
  answers({200, "{}"});  // asked whether there is an API
  answers({204});
  const auto told = typed({"delete", "port", "web1", "web2"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.out, "deleted port web2\n");
  EXPECT_EQ(told.err, "novaplane: there is no port web1\n");
  EXPECT_THAT(requests(),
              ElementsAre("DELETE /v1/ports/web1", "GET /v1/status", "DELETE /v1/ports/web2"));
}

TEST_F(EditsTest, SaysWhatOfADeleteWasMistyped) {
  expect_misused({"delete", "ports"}, "delete needs a name");
  expect_misused({"delete", "ports", "network=blue"}, "novaplane get ports network=blue -o name");
  expect_misused({"delete"}, "delete needs more words");
  expect_misused({"delete", "prot", "web1"}, "did you mean port?");
  expect_misused({"delete", "ports/web1", "web2"}, "'web2' is not KIND/NAME");
}

// --- floating, port

TEST_F(EditsTest, TakesAFloatingIpThroughItsLife) {
  answers({201, R"({"port":"web1"})", "Location: /v1/floating_ips/203.0.113.10\r\n"});
  EXPECT_EQ(typed({"floating", "allocate", "--pool", "public", "--port", "web1"}).out,
            "203.0.113.10\n");
  for (int i = 0; i < 2; ++i) answers({200, "{}"});
  answers({204});
  typed({"floating", "associate", "203.0.113.10", "web2"});
  typed({"floating", "disassociate", "203.0.113.10"});
  EXPECT_EQ(typed({"floating", "release", "203.0.113.10"}).out,
            "deleted floating IP 203.0.113.10\n");
  EXPECT_THAT(requests(), ElementsAre(R"(POST /v1/floating_ips {"pool":"public","port":"web1"})",
                                      R"(PATCH /v1/floating_ips/203.0.113.10 {"port":"web2"})",
                                      R"(PATCH /v1/floating_ips/203.0.113.10 {"port":null})",
                                      "DELETE /v1/floating_ips/203.0.113.10"));
}

TEST_F(EditsTest, SaysThatAPoolIsExhausted) {
  refuses(409, R"({"detail": "pool public has no free address"})");
  const auto told = typed({"floating", "allocate", "--pool", "public"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.out, "");
  EXPECT_EQ(told.err, "novaplane: pool public has no free address\n");
}

TEST_F(EditsTest, SaysWhatOfAFloatingIpWasMistyped) {
  expect_misused({"floating", "alocate"}, "did you mean allocate?");
  expect_misused({"floating", "allocate", "public"}, "floating allocate [--pool POOL]");
  expect_misused({"floating", "associate", "203.0.113.10"}, "floating associate ADDRESS PORT");
  expect_misused({"floating", "associate", "203.0.113.10", "--port", "web1"},
                 "options of floating allocate");
  expect_misused({"floating", "release"}, "floating release ADDRESS");
}

TEST_F(EditsTest, MovesAPortWithItsGuest) {
  answers({200, R"({"host": "h1"})"});
  answers({200, "{}", "ETag: \"45\"\r\n"});
  EXPECT_EQ(typed({"port", "move", "web1", "h2"}).out,
            "changed port web1 at revision 45\nh2 gets ready; the port moves with its guest\n");
  EXPECT_THAT(requests(),
              ElementsAre("GET /v1/ports/web1", R"(PATCH /v1/ports/web1 {"migrating_to":"h2"})"));
}

TEST_F(EditsTest, MovesAPortAtOnceWhereNothingIsToBePrepared) {
  answers({200, R"({"host": "h1"})"});
  answers({200, "{}"});
  answers({200, "{}"});
  answers({200, "{}"});
  EXPECT_EQ(typed({"port", "move", "web1", "h2", "--now"}).status, kDone);
  EXPECT_EQ(typed({"port", "move", "vip", "h2"}).status, kDone) << "it has no host";
  const std::string patch = R"({"host":"h2","migrating_to":null})";
  EXPECT_THAT(requests(), ElementsAre("GET /v1/ports/web1", "PATCH /v1/ports/web1 " + patch,
                                      "GET /v1/ports/vip", "PATCH /v1/ports/vip " + patch));
}

TEST_F(EditsTest, WaitsForAGuestThatMoves) {
  answers({200, R"({"host": "h1"})"});
  answers({200, "{}"});
  answers({200, R"({"host": "h1", "migrating_to": "h2"})"});
  answers({200, R"({"host": "h2"})"});
  const auto told = typed({"port", "move", "web1", "h2", "--wait"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out, "changed port web1\nport web1 is on h2\n");
}

TEST_F(EditsTest, SaysThatAMoveWasCancelledOrLasts) {
  answers({200, R"({"host": "h1"})"});
  answers({200, "{}"});
  answers({200, R"({"host": "h1"})"});
  auto told = typed({"port", "move", "web1", "h2", "--wait"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.err, "novaplane: port web1 stays on h1: its move was cancelled\n");
  daemon_->answer_all([](const auto&, const auto&) {
    return ScriptedAnswer{200, R"({"host": "h1", "migrating_to": "h2"})"};
  });
  told = typed({"port", "move", "web1", "h2", "--wait", "--timeout", "1s"});
  EXPECT_EQ(told.status, kFailed);
  EXPECT_EQ(told.err,
            "novaplane: the guest of port web1 has not come to h2 within 1s; h2 stays prepared\n");
}

TEST_F(EditsTest, CancelsAMove) {
  answers({200, "{}", "ETag: \"46\"\r\n"});
  EXPECT_EQ(typed({"port", "move", "web1", "--cancel"}).out, "changed port web1 at revision 46\n");
  EXPECT_THAT(requests(), ElementsAre(R"(PATCH /v1/ports/web1 {"migrating_to":null})"));
}

TEST_F(EditsTest, SaysWhatOfAMoveWasMistyped) {
  expect_misused({"port", "move"}, "port needs more words: novaplane port move NAME HOST");
  expect_misused({"port", "move", "web1"}, "say novaplane port move NAME HOST, or");
  expect_misused({"port", "mov", "web1", "h2"}, "port knows move, not 'mov'");
  expect_misused({"port", "move", "web1", "h2", "h3"}, "does not take 'h3'");
  expect_misused({"port", "move", "web1", "h2", "--cancel"}, "port move NAME --cancel");
  expect_misused({"port", "move", "web1", "h2", "--now", "--wait"}, "nothing to wait for");
  expect_misused({"port", "move", "web1", "h2", "--timeout", "5m"}, "--timeout is for --wait");
  expect_misused({"port", "move", "web1", "h2", "--wait", "--timeout", "5"}, "say 30s, 5m or 1h");
  expect_misused({"get", "ports", "--wait"}, "--wait is an option of port, not of get");
}

}  // namespace
}  // namespace novaplane::tools
