#include "metadata/proxy/headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/proxy/options.h"
#include "metadata/proxy/signature.h"

namespace novaplane::metadata {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Guest kGuest{*IpAddress::parse("10.0.0.11"), "web1", "i-1", "p-7"};

std::vector<std::string> lines_of(const Fields& fields) {
  std::vector<std::string> lines;
  for (const auto& field : fields) {
    lines.push_back(std::string(field.name_string()) + ": " + std::string(field.value()));
  }
  return lines;
}

TEST(MetadataHeadersTest, SaysWhoAsks) {
  Fields fields;
  say_who_asks(fields, kGuest, "secret");
  EXPECT_THAT(lines_of(fields), ElementsAre("X-Forwarded-For: 10.0.0.11", "X-Instance-Port: web1",
                                            "X-Tenant-ID: p-7", "X-Instance-ID: i-1",
                                            "X-Instance-ID-Signature: " + sign("secret", "i-1")));
  say_who_asks(fields, {kGuest.address, "web1", "", ""}, "secret");
  EXPECT_THAT(lines_of(fields), ElementsAre("X-Forwarded-For: 10.0.0.11", "X-Instance-Port: web1"));
}

TEST(MetadataHeadersTest, SignsNothingWithoutASecret) {
  Fields fields;
  say_who_asks(fields, kGuest, "");
  EXPECT_EQ(fields.count("X-Instance-ID-Signature"), 0u);
  EXPECT_EQ(fields.count("X-Instance-ID"), 1u);
}

TEST(MetadataHeadersTest, WhatTheGuestSaysOfItselfGoes) {
  for (const char* name :
       {"x-instance-id", "X_INSTANCE_ID", "X-Instance_Id-Signature", "x-tenant-id", "X-Project-Id",
        "Forwarded", "x-forwarded-host", "X_Forwarded_For", "Via", "X-Real-IP", "x-client-ip",
        "X-Metadata-Provider-Signature", "x-instance-port"}) {
    EXPECT_TRUE(is_about_identity(name)) << name;
  }
  for (const char* name : {"X-aws-ec2-metadata-token", "Metadata-Flavor", "Accept", "Viable"}) {
    EXPECT_FALSE(is_about_identity(name)) << name;
  }
}

TEST(MetadataHeadersTest, WhatIsOfOneConnectionOnlyGoes) {
  Fields fields;
  fields.set("Connection", "close, X-Private, Content-Length, Host");
  fields.set("X-Private", "1");
  fields.set("Content-Length", "3");
  fields.set("Host", "h");
  fields.set("Upgrade", "websocket");
  fields.set("TE", "trailers");
  fields.set("Expect", "100-continue");
  fields.set("Accept", "*/*");
  remove_hop_by_hop(fields);
  EXPECT_THAT(lines_of(fields), ElementsAre("Content-Length: 3", "Host: h", "Accept: */*"));
}

/// Test case 2 of RFC 4231.
TEST(MetadataSignatureTest, IsHmacSha256) {
  EXPECT_EQ(sign("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(MetadataOptionsTest, AreAFileAndWhetherToServe) {
  const auto options = std::get<Options>(parse_options({"--check", "--config", "/a/../b"}));
  EXPECT_EQ(options.config, "/b");
  EXPECT_TRUE(options.check);
  EXPECT_THAT(std::get<Usage>(parse_options({})).text, HasSubstr("--config is missing\nusage: "));
  EXPECT_THAT(std::get<Usage>(parse_options({"x"})).text, HasSubstr("do not know what to do with"));
  EXPECT_EQ(std::get<Usage>(parse_options({"--help"})).status, 0);
}

}  // namespace
}  // namespace novaplane::metadata
