#include "dataplane/api/routes.h"

#include <set>

#include "dataplane/api/json.h"
#include "dataplane/api/openapi.h"
#include "tests/unit/api/asked.h"

/// Which requests there are, and what becomes of others.
namespace novaplane::api::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class RoutesTest : public ApiTest {
 protected:
  std::string allowed(const std::string& method, const std::string& target) {
    const Reply reply = ask(method, target, "{}");
    EXPECT_EQ(reply.status, 405u) << target;
    return header(reply, "Allow");
  }
};

TEST_F(RoutesTest, WhatIsNotThereIsNotFound) {
  for (const std::string target :
       {"/", "/v1", "/v1/", "/v2/ports", "/v1/guests", "/v1/ports/", "/v1/ports/web1/mac",
        "/v1/store", "/v1/store/drop", "/v1//web1", "/v1/ports%2Fweb1"}) {
    EXPECT_THAT(told(ask("GET", target)), StartsWith("404 ")) << target;
  }
  EXPECT_EQ(told(ask("GET", "/v1/\x1b[2J")), "404 there is nothing at /v1/\\x1b[2J");
}

TEST_F(RoutesTest, OtherMethodsAreToldWhatIsAllowed) {
  EXPECT_EQ(allowed("DELETE", "/v1/ports"), "GET, POST");
  EXPECT_EQ(allowed("POST", "/v1/ports/web1"), "GET, PUT, PATCH, DELETE");
  EXPECT_EQ(allowed("PUT", "/v1/cloud"), "GET");
  EXPECT_EQ(allowed("POST", "/v1/cloud"), "GET");
  EXPECT_EQ(allowed("GET", "/v1/apply"), "POST");
  EXPECT_EQ(allowed("POST", "/v1/watch"), "GET");
  EXPECT_EQ(allowed("GET", "/v1/store/accept"), "POST");
  EXPECT_EQ(allowed("HEAD", "/v1/status"), "GET");
}

TEST_F(RoutesTest, TargetsThatAreNoneAreBadRequests) {
  EXPECT_THAT(told(ask("GET", "/v1/ports/web%2")), StartsWith("400 a % of the path"));
  EXPECT_THAT(told(ask("GET", "/v1/ports/web%zz")), StartsWith("400 a % of the path"));
  EXPECT_THAT(told(ask("GET", "/v1/ports?network=%4")), StartsWith("400 a % of the query"));
  EXPECT_EQ(told(ask("GET", "/v1/ports?host=h1&host=h2")), "400 the query has host twice");
  EXPECT_EQ(told(ask("GET", "v1/ports")), "400 the target does not begin with /");
  for (const std::string target : {"/v1/ports/web1", "/v1/cloud", "/v1/status"}) {
    EXPECT_EQ(told(ask("GET", target + "?x=1")),
              "400 unknown query key x; this request has no query");
  }
  EXPECT_EQ(ask("GET", "/v1/%70orts/web%31?").status, 200u);
}

TEST_F(RoutesTest, BodiesHaveTheirTypes) {
  const auto status = [&](const std::string& method, const std::string& target,
                          const std::string& type) {
    return host.ask(Request{.method = method, .target = target, .content_type = type, .body = "{}"})
        .status;
  };
  EXPECT_EQ(status("PUT", "/v1/hosts/h2", "application/yaml"), 415u);
  EXPECT_EQ(status("PUT", "/v1/hosts/h2", "application/json"), 200u);
  EXPECT_EQ(status("PUT", "/v1/hosts/h2", "Application/JSON ;charset=utf-8"), 200u);
  EXPECT_EQ(status("PATCH", "/v1/hosts/h2", "application/merge-patch+json"), 200u);
  EXPECT_EQ(status("PATCH", "/v1/hosts/h2", "application/json-patch+json"), 415u);
  EXPECT_EQ(status("POST", "/v1/apply", "application/x-www-form-urlencoded"), 415u);
  EXPECT_EQ(status("POST", "/v1/apply", "application/yaml"), 200u);
}

TEST_F(RoutesTest, BodiesThatAreTooMuchAreRefused) {
  const std::string large(kMostObject + 1, ' ');
  EXPECT_THAT(told(ask("PUT", "/v1/hosts/h1", "{}" + large)), StartsWith("413 the body has "));
  EXPECT_EQ(ask("POST", "/v1/apply?dry_run=true", "{}" + large).status, 200u);
  // As deep as it is long: whoever goes down into it would not come back.
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "{\"a\":";
  deep += "1" + std::string(100'000, '}');
  for (const auto& [method, target] :
       std::vector<std::pair<std::string, std::string>>{{"PUT", "/v1/hosts/h1"},
                                                        {"PATCH", "/v1/hosts/h1"},
                                                        {"POST", "/v1/hosts"},
                                                        {"POST", "/v1/store/backup"}}) {
    EXPECT_THAT(told(ask(method, target, deep)),
                AllOf(StartsWith("400 the body "), HasSubstr("nested too deeply")));
  }
  EXPECT_THAT(told(ask("POST", "/v1/apply", deep)),
              AllOf(StartsWith("400 "), HasSubstr("nested too deeply")));
  EXPECT_THAT(told(ask("PUT", "/v1/hosts/h1", "\"\xff\"")), StartsWith("400 the body is no JSON"));
}

/// What others send is not what a terminal or a parser of ours has to stand.
TEST_F(RoutesTest, NamesOfAnyBytesAreAnswered) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string target = fmt::format("/v1/hosts/%{:02x}x", byte);
    const Reply got = ask("GET", target);
    EXPECT_THAT(told(got), StartsWith("404 ")) << target;
    const Reply put = ask("PUT", target, "{}");
    EXPECT_TRUE(put.status == 201 || put.status == 422) << target << told(put);
  }
}

TEST_F(RoutesTest, TheDescriptionIsServed) {
  const Reply reply = ask("GET", "/v1/openapi.json");
  EXPECT_EQ(reply.status, 200u);
  EXPECT_EQ(json_of(reply)["openapi"], "3.0.3");
}

TEST(OpenApi, DescribesEachRouteAndNoOther) {
  const Json description = Json::parse(openapi());
  std::set<std::string> described, served;
  for (const auto& [path, item] : description["paths"].items()) {
    for (const auto& [method, operation] : item.items()) {
      if (method == "parameters") continue;
      std::string upper = method;
      std::ranges::transform(upper, upper.begin(), ::toupper);
      described.insert(upper + ' ' + path);
    }
  }
  for (const Route& route : routes()) {
    served.insert(std::string(route.method) + ' ' + std::string(route.path));
  }
  EXPECT_EQ(described, served);
}

TEST(OpenApi, DescribesBodiesWhereTheyAreRead) {
  const Json description = Json::parse(openapi());
  for (const Route& route : routes()) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(), ::tolower);
    const Json& operation = description["paths"][std::string(route.path)][method];
    EXPECT_EQ(operation.contains("requestBody"), route.body != BodyKind::none) << route.path;
    EXPECT_TRUE(operation["responses"].contains("400")) << route.path;
  }
}

/// Each reference leads somewhere, and each kind of the document is among those of the path.
TEST(OpenApi, IsWholeInItself) {
  const Json description = Json::parse(openapi());
  const std::function<void(const Json&)> check = [&](const Json& value) {
    for (const auto& [key, member] : value.items()) {
      if (key == "$ref") {
        const std::string reference = member;
        EXPECT_TRUE(description.contains(Json::json_pointer(reference.substr(1)))) << reference;
      } else if (member.is_structured()) {
        check(member);
      }
    }
  };
  check(description);
  for (const std::string kind : description["components"]["parameters"]["kind"]["schema"]["enum"]) {
    EXPECT_TRUE(cloud::kind_of(kind)) << kind;
  }
  EXPECT_EQ(description["components"]["parameters"]["kind"]["schema"]["enum"].size(), 8u);
}

}  // namespace
}  // namespace novaplane::api::test
