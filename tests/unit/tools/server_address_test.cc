#include "tools/server_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tools/options.h"

namespace novaplane::tools {
namespace {

using testing::HasSubstr;

std::string parsed(const char* text) {
  const auto address = ServerAddress::parse(text);
  return address ? address->host + " " + address->port : "none";
}

TEST(ServerAddress, HasAPortUnlessItIsTheUsualOne) {
  EXPECT_EQ(parsed("https://compute1:9443"), "compute1 9443");
  EXPECT_EQ(parsed("https://compute1/"), "compute1 8443");
  EXPECT_EQ(parsed("192.0.2.11"), "192.0.2.11 8443");
  EXPECT_EQ(parsed("https://[2001:db8::11]:443"), "2001:db8::11 443");
  EXPECT_EQ(parsed("[2001:db8::11]"), "2001:db8::11 8443");
}

TEST(ServerAddress, IsNothingElse) {
  for (const char* text :
       {"", "https://", "http://compute1", "https://compute1/v1", "compute1:", "compute1:http",
        "compute1:123456", "https://[::1", "https://[::1]8443", "alice@compute1", "::1"}) {
    EXPECT_EQ(parsed(text), "none") << text;
  }
}

TEST(ServerOptions, MayBeInTheEnvironment) {
  ::setenv("NOVAPLANE_SERVER", "https://compute1", 1);
  ::setenv("NOVAPLANE_CERT", "a.pem", 1);
  EXPECT_THAT(parse({"get", "ports"}).error(), HasSubstr("--cert and --key go together"));
  ::setenv("NOVAPLANE_KEY", "a.key", 1);
  const auto options = parse({"get", "ports", "--key=b.key"});
  ASSERT_TRUE(options) << options.error();
  EXPECT_EQ(options->server, "https://compute1");
  EXPECT_EQ(options->cert, "a.pem");
  EXPECT_EQ(options->key, "b.key") << "what is typed counts";
  const auto here = parse({"plan", "x", "--server", ""});
  ASSERT_TRUE(here) << here.error();
  EXPECT_EQ(here->server, "");
  EXPECT_THAT(parse({"get", "ports", "--server=http://h1"}).error(), HasSubstr("say https://"));
  for (const char* name : {"NOVAPLANE_SERVER", "NOVAPLANE_CERT", "NOVAPLANE_KEY"}) ::unsetenv(name);
}

}  // namespace
}  // namespace novaplane::tools
