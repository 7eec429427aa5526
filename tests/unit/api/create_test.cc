#include <set>

#include "dataplane/base/address.h"
#include "tests/unit/api/asked.h"

/// POST: objects that get what they lack.
namespace novaplane::api::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class CreateTest : public ApiTest {};

TEST_F(CreateTest, GivesAPortItsAddressAndMac) {
  const Reply created =
      ask("POST", "/v1/ports", R"({"name":"db","network":"blue","host":"h1","interface":"tap2"})");
  EXPECT_EQ(created.status, 201u);
  EXPECT_EQ(header(created, "Location"), "/v1/ports/db");
  EXPECT_EQ(header(created, "ETag"), "\"2\"");
  const Json port = json_of(created);
  EXPECT_THAT(port.value("address", ""), StartsWith("10.0.0."));
  EXPECT_THAT(port.value("mac", ""), StartsWith("fa:16:3e:"));
  EXPECT_EQ(ask("GET", "/v1/ports/db").body, created.body);
}

TEST_F(CreateTest, KeepsWhatIsGiven) {
  const Json port = json_of(ask(
      "POST", "/v1/ports",
      R"({"name":"db","network":"blue","address":"10.0.0.77","mac":"fa:16:3e:00:00:77","log":true})"));
  EXPECT_EQ(port.value("address", ""), "10.0.0.77");
  EXPECT_EQ(port.value("mac", ""), "fa:16:3e:00:00:77");
  EXPECT_EQ(port.value("log", false), true);
}

TEST_F(CreateTest, GivesNoAddressTwiceAndTellsOfTheEnd) {
  std::set<std::string> addresses;
  for (const std::string name : {"a", "b", "c", "d", "e"}) {
    const Reply created = ask("POST", "/v1/ports", R"({"network":"green","name":")" + name + "\"}");
    EXPECT_EQ(created.status, 201u) << told(created);
    addresses.insert(json_of(created).value("address", ""));
  }
  EXPECT_EQ(addresses.size(), 5u);
  EXPECT_EQ(told(ask("POST", "/v1/ports", R"({"network":"green","name":"f"})")),
            "409 network green has no free address");
}

TEST_F(CreateTest, TakesFloatingIpsOfAPoolWithItsUplink) {
  ask("PUT", "/v1/pools/public", R"({"ranges":["203.0.113.8/31"],"uplink":"wan"})");
  const Reply first = ask("POST", "/v1/floating_ips", R"({"pool":"public","port":"web1"})");
  EXPECT_EQ(first.status, 201u) << told(first);
  EXPECT_THAT(header(first, "Location"), StartsWith("/v1/floating_ips/203.0.113."));
  EXPECT_EQ(first.body, "{\"port\":\"web1\",\"uplink\":\"wan\"}\n");
  EXPECT_EQ(ask("GET", header(first, "Location")).body, first.body);
  const Reply second = ask("POST", "/v1/floating_ips", R"({"pool":"public","uplink":"any"})");
  EXPECT_EQ(second.body, "{\"uplink\":\"any\"}\n");
  EXPECT_NE(header(second, "Location"), header(first, "Location"));
  EXPECT_EQ(told(ask("POST", "/v1/floating_ips", R"({"pool":"public"})")),
            "409 pool public has no free address");
  EXPECT_EQ(told(ask("POST", "/v1/floating_ips", R"({"pool":"private"})")),
            "422 dangling : there is no pool private");
}

TEST_F(CreateTest, TakesAFloatingIpByItsAddress) {
  const Reply created = ask("POST", "/v1/floating_ips", R"({"address":"203.0.113.7"})");
  EXPECT_EQ(created.status, 201u);
  EXPECT_EQ(header(created, "Location"), "/v1/floating_ips/203.0.113.7");
  EXPECT_EQ(told(ask("POST", "/v1/floating_ips", R"({"address":"203.0.113.7"})")),
            "409 floating_ips/203.0.113.7 is there already");
  EXPECT_THAT(told(ask("POST", "/v1/floating_ips", R"({"address":"203.0.113.8","pool":"p"})")),
              StartsWith("422 bad-value pool: "));
}

TEST_F(CreateTest, TakesEachKind) {
  EXPECT_EQ(ask("POST", "/v1/hosts", R"({"name":"h3"})").status, 201u);
  EXPECT_EQ(
      ask("POST", "/v1/networks",
          R"({"name":"red","cidr":"10.0.2.0/24","gateway":"10.0.2.1","segment":{"vlan":102}})")
          .status,
      201u);
  EXPECT_EQ(ask("POST", "/v1/security_groups", R"({"name":"none","egress":[]})").status, 201u);
  EXPECT_EQ(ask("POST", "/v1/pools", R"({"name":"p","ranges":["203.0.113.0/28"]})").status, 201u);
  EXPECT_EQ(
      ask("POST", "/v1/port_forwards",
          R"({"name":"ssh","address":"203.0.113.20","protocol":"tcp","port":2222,"to_port":"web1","to":22})")
          .status,
      201u);
}

TEST_F(CreateTest, RefusesWhatIsThereOrWrong) {
  EXPECT_EQ(told(ask("POST", "/v1/ports", R"({"name":"web1","network":"blue"})")),
            "409 ports/web1 is there already");
  EXPECT_EQ(told(ask("POST", "/v1/ports", R"({"network":"blue"})")),
            "422 missing name: is missing");
  EXPECT_EQ(told(ask("POST", "/v1/ports", R"({"name":7,"network":"blue"})")),
            "422 wrong-type name: must be text");
  EXPECT_EQ(told(ask("POST", "/v1/ports", R"({"name":"a","network":"red"})")),
            "422 dangling ports.a.network: there is no network red");
  EXPECT_THAT(told(ask("POST", "/v1/ports", R"({"name":"a b","network":"blue"})")),
              StartsWith("422 "));
  EXPECT_THAT(told(ask("POST", "/v1/ports", R"({"name":"a","network":"blue","colour":1})")),
              StartsWith("422 unknown-key ports.a.colour: "));
  EXPECT_EQ(told(ask("POST", "/v1/ports", "[]")), "400 the body is no JSON object");
  EXPECT_EQ(told(ask("POST", "/v1/ports", R"({"name":"a","name":"b"})")),
            "400 the body cannot be read: the key \"name\" stands twice");
  EXPECT_EQ(revision(), 1u);
}

/// Two programs that create at once: the second proposes again, on what the first has made.
TEST_F(CreateTest, TwoProgramsGetTwoAddresses) {
  Host other(path("cloud.db"));
  other.ask("GET", "/v1/ports");
  const Json mine = json_of(ask("POST", "/v1/ports", R"({"name":"a","network":"green"})"));
  const Json theirs = json_of(other.ask("POST", "/v1/ports", R"({"name":"b","network":"green"})"));
  EXPECT_NE(mine["address"], theirs["address"]);
  EXPECT_EQ(ask("GET", "/v1/ports/b").status, 200u);
}

}  // namespace
}  // namespace novaplane::api::test
