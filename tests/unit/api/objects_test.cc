#include <fmt/format.h>

#include "tests/unit/api/asked.h"

/// GET, PUT, PATCH and DELETE of single objects and of sections.
namespace novaplane::api::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr auto kWeb2 =
    R"({"network":"blue","host":"h2","mac":"fa:16:3e:00:00:02","address":"10.0.0.12","interface":"tap2"})";

std::vector<std::string> names_in(const Reply& reply, const std::string& section) {
  std::vector<std::string> names;
  const Json listed = json_of(reply);
  for (const auto& [name, object] : listed[section].items()) names.push_back(name);
  return names;
}

class ObjectsTest : public ApiTest {
 protected:
  Reply ask_if(const std::string& method, const std::string& etag, const std::string& body = {}) {
    return host.ask(
        Request{.method = method, .target = "/v1/ports/web1", .if_match = etag, .body = body});
  }
};

TEST_F(ObjectsTest, AreListedAsTheirSectionOfTheDocument) {
  ask("PUT", "/v1/ports/a", kWeb2);
  const Reply ports = ask("GET", "/v1/ports");
  EXPECT_EQ(ports.status, 200u);
  EXPECT_EQ(ports.body,
            fmt::format(R"({{"revision":2,"ports":{{"web1":{{"network":"blue","host":"h1",)"
                        R"("mac":"fa:16:3e:00:00:01","address":"10.0.0.11","interface":"tap1"}},)"
                        R"("a":{}}}}})"
                        "\n",
                        kWeb2));
  for (const std::string kind :
       {"hosts", "networks", "floating_ips", "port_forwards", "security_groups", "pools"}) {
    EXPECT_TRUE(json_of(ask("GET", "/v1/" + kind))[kind].is_object()) << kind;
  }
  EXPECT_EQ(ask("GET", "/v1/ranges").body, "{\"revision\":2,\"ranges\":{\"snat\":{}}}\n");
}

TEST_F(ObjectsTest, AreFilteredByTheirKeys) {
  ask("PUT", "/v1/ports/web2", kWeb2);
  ask("PUT", "/v1/security_groups/ssh", R"({"ingress":[{"protocol":"tcp","ports":22}]})");
  ask("PUT", "/v1/ports/own",
      R"({"network":"green","mac":"fa:16:3e:00:00:03","address":"10.0.1.3","security_groups":["ssh"],"log":true})");
  const auto found = [&](const std::string& query) {
    return names_in(ask("GET", "/v1/ports?" + query), "ports");
  };
  EXPECT_EQ(found("network=blue"), (std::vector<std::string>{"web1", "web2"}));
  EXPECT_EQ(found("network=blue&host=h2"), std::vector<std::string>{"web2"});
  EXPECT_EQ(found("log=true"), std::vector<std::string>{"own"});
  EXPECT_EQ(found("security_groups=ssh"), std::vector<std::string>{"own"});
  EXPECT_EQ(found("host="), std::vector<std::string>{"own"});
  EXPECT_EQ(found("mac=fa%3a16%3A3e:00:00:01"), std::vector<std::string>{"web1"});
  EXPECT_THAT(found("network=red"), IsEmpty());
  EXPECT_THAT(told(ask("GET", "/v1/ports?colour=blue")),
              StartsWith("400 unknown query key colour; known: network, host, migrating_to, mac"));
}

TEST_F(ObjectsTest, HaveTheRevisionThatWroteThemAsETag) {
  ask("PUT", "/v1/ports/web2", kWeb2);
  const Reply web1 = ask("GET", "/v1/ports/web1"), web2 = ask("GET", "/v1/ports/web2");
  EXPECT_EQ(web2.body, std::string(kWeb2) + '\n');
  EXPECT_EQ(header(web1, "ETag"), "\"1\"");
  EXPECT_EQ(header(web2, "ETag"), "\"2\"");
  const auto again = host.ask(
      Request{.method = "GET", .target = "/v1/ports/web2", .if_none_match = "\"1\", W/\"2\""});
  EXPECT_EQ(again.status, 304u);
  EXPECT_THAT(again.body, IsEmpty());
  EXPECT_EQ(told(ask("GET", "/v1/ports/web9")), "404 there is no ports/web9");
}

TEST_F(ObjectsTest, ArePutOnceAndWrittenWhereTheyDiffer) {
  const Reply first = ask("PUT", "/v1/ports/web2", kWeb2);
  EXPECT_EQ(first.status, 201u);
  EXPECT_EQ(first.body, std::string(kWeb2) + '\n');
  EXPECT_EQ(header(first, "ETag"), "\"2\"");
  // With a default that is said, and another order.
  Json same = Json::parse(kWeb2);
  same["default_route"] = true;
  std::swap(same["network"], same["network"]);
  const Reply again = ask("PUT", "/v1/ports/web2", same.dump());
  EXPECT_EQ(again.status, 200u);
  EXPECT_EQ(header(again, "ETag"), "\"2\"");
  EXPECT_EQ(revision(), 2u);
  same["host"] = "h1";
  const Reply moved = ask("PUT", "/v1/ports/web2", same.dump());
  EXPECT_EQ(moved.status, 200u);
  EXPECT_EQ(header(moved, "ETag"), "\"3\"");
  EXPECT_EQ(json_of(moved)["host"], "h1");
}

TEST_F(ObjectsTest, ThatAreWrongAreNotWritten) {
  EXPECT_EQ(told(ask("PUT", "/v1/ports/web2", R"({"network":"blue","mac":"fa:16:3e:00:00:02"})")),
            "422 missing ports.web2.address: is missing");
  EXPECT_THAT(told(ask("PUT", "/v1/ports/web2",
                       R"({"network":"blue","mac":"fa:16:3e:00:00:02","address":"10.0.0.11"})")),
              StartsWith("422 duplicate-address ports.web2.address: "));
  EXPECT_THAT(told(ask("PUT", "/v1/ports/web%202", kWeb2)), StartsWith("422 "));
  EXPECT_THAT(told(ask("PUT", "/v1/ports/web2", "[]")), StartsWith("422 wrong-type ports.web2: "));
  EXPECT_THAT(told(ask("PUT", "/v1/ports/web2", "{\"network\": blue}")),
              StartsWith("400 the body is no JSON: "));
  EXPECT_THAT(told(ask("PUT", "/v1/ports/web2", "")), StartsWith("400 the body is no JSON: "));
  EXPECT_EQ(revision(), 1u);
}

TEST_F(ObjectsTest, ArePatched) {
  const Reply patched =
      ask("PATCH", "/v1/ports/web1", R"({"host":null,"interface":null,"hostname":"www"})");
  EXPECT_EQ(patched.status, 200u);
  EXPECT_EQ(patched.body,
            "{\"network\":\"blue\",\"mac\":\"fa:16:3e:00:00:01\","
            "\"address\":\"10.0.0.11\",\"hostname\":\"www\"}\n")
      << told(patched);
  EXPECT_EQ(header(patched, "ETag"), "\"2\"");
  EXPECT_EQ(told(ask("PATCH", "/v1/ports/web1", R"({"network":null})")),
            "422 missing ports.web1.network: is missing");
  EXPECT_EQ(told(ask("PATCH", "/v1/ports/web9", "{}")), "404 there is no ports/web9");
  EXPECT_EQ(told(ask("PATCH", "/v1/ports/web1", "[]")), "400 the patch is no JSON object");
}

TEST_F(ObjectsTest, AreRemovedUnlessOthersNeedThem) {
  EXPECT_EQ(told(ask("DELETE", "/v1/hosts/h1")),
            "422 dangling ports.web1.host: there is no host h1");
  const Reply removed = ask("DELETE", "/v1/ports/web1");
  EXPECT_EQ(removed.status, 204u);
  EXPECT_THAT(removed.body, IsEmpty());
  EXPECT_EQ(ask("GET", "/v1/ports/web1").status, 404u);
  EXPECT_EQ(told(ask("DELETE", "/v1/ports/web1")), "404 there is no ports/web1");
}

TEST_F(ObjectsTest, AreWrittenOnlyOnWhatTheClientHasSeen) {
  EXPECT_EQ(ask_if("PATCH", "\"1\"", R"({"host":"h2"})").status, 200u);
  EXPECT_EQ(told(ask_if("PATCH", "\"1\"", R"({"host":"h1"})")),
            "412 If-Match: it has changed since, and is at \"2\"");
  EXPECT_EQ(ask_if("PATCH", "W/\"2\"", R"({"host":"h1"})").status, 412u);
  EXPECT_EQ(ask_if("PUT", "\"1\"", kWeb2).status, 412u);
  EXPECT_EQ(ask_if("DELETE", "\"1\"").status, 412u);
  EXPECT_THAT(told(ask_if("DELETE", "2")), StartsWith("400 If-Match must be"));
  EXPECT_EQ(ask_if("DELETE", "\"9\", \"2\"").status, 204u);
  EXPECT_EQ(told(ask_if("PUT", "*", kWeb2)), "412 If-Match: there is no such object");
}

TEST_F(ObjectsTest, AreCreatedOnlyWhereThereIsNone) {
  Request put{.method = "PUT", .target = "/v1/ports/web2", .if_none_match = "*", .body = kWeb2};
  EXPECT_EQ(host.ask(put).status, 201u);
  EXPECT_EQ(told(host.ask(put)), "412 If-None-Match: it is there, at \"2\"");
}

/// Another program has changed it in the meantime, and this host has not looked since.
TEST_F(ObjectsTest, OfARaceTheLaterOneIsTold) {
  Host other(path("cloud.db"));
  EXPECT_EQ(other.ask("PATCH", "/v1/ports/web1", R"({"host":"h2"})").status, 200u);
  EXPECT_EQ(revision(), 1u);
  EXPECT_EQ(ask_if("PATCH", "\"1\"", R"({"log":true})").status, 412u);
  EXPECT_EQ(ask_if("PATCH", "\"2\"", R"({"log":true})").status, 200u);
  EXPECT_EQ(json_of(other.ask("GET", "/v1/ports/web1"))["log"], true);
}

TEST_F(ObjectsTest, FloatingIpsHaveAnyNotationOfTheirAddress) {
  ask("PUT", "/v1/networks/six",
      R"({"cidr":"10.6.0.0/24","gateway":"10.6.0.1","cidr6":"fd00::/64","gateway6":"fd00::1","segment":{"vlan":106}})");
  EXPECT_EQ(told(ask("PUT", "/v1/floating_ips/2001:DB8:0::7", "{}")), "201");
  for (const std::string name : {"2001:db8::7", "2001%3Adb8:0:0::7"}) {
    EXPECT_EQ(ask("GET", "/v1/floating_ips/" + name).status, 200u) << name;
  }
  EXPECT_EQ(names_in(ask("GET", "/v1/floating_ips"), "floating_ips"),
            std::vector<std::string>{"2001:db8::7"});
  EXPECT_EQ(ask("PUT", "/v1/floating_ips/2001:db8::0007", "{}").status, 200u);
  EXPECT_THAT(told(ask("PUT", "/v1/floating_ips/web", "{}")), StartsWith("422 "));
  EXPECT_EQ(ask("GET", "/v1/floating_ips/web").status, 404u);
}

TEST_F(ObjectsTest, RangesAreOneThatIsAlwaysThere) {
  EXPECT_EQ(ask("GET", "/v1/ranges/snat").body, "{}\n");
  EXPECT_EQ(ask("PUT", "/v1/ranges/snat", R"({"no_snat":["10.0.0.0/8"]})").status, 200u);
  EXPECT_EQ(ask("PATCH", "/v1/ranges/snat", R"({"force_snat":["192.0.2.0/24"]})").body,
            "{\"no_snat\":[\"10.0.0.0/8\"],\"force_snat\":[\"192.0.2.0/24\"]}\n");
  EXPECT_EQ(ask("DELETE", "/v1/ranges/snat").status, 204u);
  EXPECT_EQ(ask("GET", "/v1/ranges/snat").body, "{}\n");
  EXPECT_EQ(ask("PUT", "/v1/ranges/other", "{}").status, 404u);
  EXPECT_EQ(header(ask("POST", "/v1/ranges", "{}"), "Allow"), "GET");
}

}  // namespace
}  // namespace novaplane::api::test
