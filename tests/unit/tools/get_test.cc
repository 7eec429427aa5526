#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/scripted_daemon.h"

namespace novaplane::tools {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using GetTest = CloudCommandTest;

constexpr const char* kTwoPorts =
    R"({"revision": 42, "ports": {
        "web1": {"network": "blue", "host": "h1", "mac": "fa:16:3e:00:00:01", "address": "10.0.0.11"},
        "database": {"network": "blue", "mac": "fa:16:3e:00:00:02", "address": "10.0.0.12",
                     "interface": "tap2"}}})";

TEST_F(GetTest, AlignsATable) {
  answers({200, kTwoPorts});
  const auto told = typed({"get", "ports"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out,
            "NAME      NETWORK  HOST  ADDRESS    MAC                INTERFACE\n"
            "web1      blue     h1    10.0.0.11  fa:16:3e:00:00:01  -\n"
            "database  blue     -     10.0.0.12  fa:16:3e:00:00:02  tap2\n");
  EXPECT_THAT(told.err, IsEmpty());
  EXPECT_THAT(requests(), ElementsAre("GET /v1/ports"));
}

TEST_F(GetTest, TakesKindsAsPeopleCallThem) {
  const std::pair<const char*, const char*> words[] = {{"port", "ports"},
                                                       {"Ports", "ports"},
                                                       {"floating-ip", "floating_ips"},
                                                       {"floating_ips", "floating_ips"},
                                                       {"fip", "floating_ips"},
                                                       {"network", "networks"},
                                                       {"group", "security_groups"},
                                                       {"security-group", "security_groups"},
                                                       {"host", "hosts"},
                                                       {"port-forward", "port_forwards"},
                                                       {"pools", "pools"}};
  for (const auto& [word, section] : words) {
    answers({200, fmt::format(R"({{"revision": 1, "{}": {{}}}})", section)});
    EXPECT_EQ(typed({"get", word}).status, kDone) << word;
    EXPECT_EQ(requests().back(), fmt::format("GET /v1/{}", section)) << word;
  }
}

TEST_F(GetTest, PoolsShowTheirUse) {
  constexpr const char* kPools =
      R"({"revision": 1, "pools": {"public": {"ranges": ["203.0.113.0/29"], "uplink": "wan"}}})";
  answers({200, kPools});
  answers({200, R"({"revision": 1, "pools": {"public": {"total": 6, "used": 2, "free": 4}}})"});
  EXPECT_EQ(typed({"get", "pools"}).out,
            "NAME    RANGES          RESERVED  NETWORK  UPLINK  TOTAL  USED  FREE\n"
            "public  203.0.113.0/29  -         -        wan     6      2     4\n");
  EXPECT_THAT(requests(), ElementsAre("GET /v1/pools", "GET /v1/status/pools"));
  answers({200, kPools});
  EXPECT_THAT(typed({"get", "pools", "-o", "yaml"}).out, testing::Not(HasSubstr("use")));
}

TEST_F(GetTest, Filters) {
  answers({200, R"({"revision": 1, "ports": {}})"});
  const auto told = typed({"get", "ports", "network=blue", "host=h 1&x"});
  EXPECT_THAT(requests(), ElementsAre("GET /v1/ports?network=blue&host=h%201%26x"));
  EXPECT_EQ(told.status, kDone);
  EXPECT_EQ(told.out, "");
  EXPECT_EQ(told.err, "novaplane: there are no ports like that\n");
}

TEST_F(GetTest, PrintsAPartOfADocument) {
  const char* port =
      R"({"network":"blue","security_groups":["web","ssh"],"rate":{"egress":"1mbit"}})";
  answers({200, port});
  EXPECT_EQ(typed({"get", "port", "web1", "-o", "yaml"}).out,
            "ports:\n"
            "  web1:\n"
            "    network: blue\n"
            "    security_groups: [web, ssh]\n"
            "    rate:\n"
            "      egress: 1mbit\n");
  answers({200, R"({"port":"web1"})"});
  EXPECT_EQ(typed({"get", "floating_ips/203.0.113.10", "--json"}).out,
            "{\n  \"floating_ips\": {\n    \"203.0.113.10\": {\n      \"port\": \"web1\"\n    }\n  "
            "}\n}\n");
  answers({200, R"({"no_snat":["192.168.0.0/16"]})"});
  EXPECT_EQ(typed({"get", "ranges", "-oyaml"}).out, "no_snat: [192.168.0.0/16]\n");
  EXPECT_THAT(requests(), ElementsAre("GET /v1/ports/web1", "GET /v1/floating_ips/203.0.113.10",
                                      "GET /v1/ranges/snat"));
}

TEST_F(GetTest, PrintsNamesThatOtherCommandsTake) {
  answers({200, kTwoPorts});
  EXPECT_EQ(typed({"get", "ports", "-o", "name"}).out, "ports/web1\nports/database\n");
  answers({204});
  answers({204});
  EXPECT_EQ(typed({"delete", "ports/web1", "ports/database"}).out,
            "deleted port web1\ndeleted port database\n");
}

TEST_F(GetTest, TakesSeveralNames) {
  answers({200, R"({"cidr": "10.0.0.0/24", "segment": {"vlan": 101}})"});
  answers({200, R"({"cidr": "10.1.0.0/24"})"});
  EXPECT_EQ(typed({"get", "networks", "blue", "green"}).out,
            "NAME   CIDR         GATEWAY  MODE  SEGMENT   CIDR6\n"
            "blue   10.0.0.0/24  -        -     vlan 101  -\n"
            "green  10.1.0.0/24  -        -     -         -\n");
}

TEST_F(GetTest, WarnsOfAnAnswerFromTheCopy) {
  answers({200, kTwoPorts, "Warning: 110 - \"Response is Stale\"\r\n"});
  const auto told = typed({"get", "ports"});
  EXPECT_EQ(told.status, kDone);
  EXPECT_THAT(told.out, HasSubstr("web1"));
  EXPECT_THAT(told.err, HasSubstr("warning: the store is away"));
}

TEST_F(GetTest, SaysWhatWasMistyped) {
  const std::pair<std::vector<std::string>, const char*> mistakes[] = {
      {{"get"}, "get needs more words"},
      {{"get", "prots"}, "there is no kind 'prots': did you mean ports?"},
      {{"get", "ports", "-o", "yml"}, "say table, json, yaml or name: did you mean yaml?"},
      {{"get", "port", "web1", "host=h1"}, "'host=h1' chooses among all ports"},
      {{"get", "ports/web1", "networks/blue"}, "one kind at a time"},
      {{"get", "ports", "--prune"}, "--prune is an option of apply, diff, not of get"}};
  for (const auto& [words, sentence] : mistakes) {
    const auto told = typed(words);
    EXPECT_EQ(told.status, kUsage) << sentence;
    EXPECT_THAT(told.err, HasSubstr(sentence));
  }
  EXPECT_THAT(requests(), IsEmpty());
}

}  // namespace
}  // namespace novaplane::tools
