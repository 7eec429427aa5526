#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "metadata/metadata.h"
#include "tests/support/example.h"

namespace novaplane::metadata {
namespace {

using engine::ObjectKind;
using test::ip;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class MetadataCompileTest : public testing::Test {
 protected:
  MetadataCompileTest() { example_.host().metadata = {{ip("192.0.2.1"), 8775}, true, "/s"}; }
  engine::Rows host() const { return example_.compile(metadata_, ObjectKind::host, "compute1"); }
  std::vector<std::string> lines(const std::string& port) const {
    std::vector<std::string> found;
    for (const auto& [key, entry] : example_.compile(metadata_, ObjectKind::port, port).entries) {
      found.push_back(key.service + ": " + key.name + ": " + entry.line);
    }
    return found;
  }

  Metadata metadata_;
  test::Example example_;
};

TEST_F(MetadataCompileTest, AHostHasAProxyWhereTheDocumentAsksForHeaders) {
  EXPECT_THAT(host().services,
              ElementsAre(Pair(kProxy, engine::Service{"listen 127.110.112.109 254\n"
                                                       "server 192.0.2.1 8775\n"
                                                       "secret_file /s\n",
                                                       {}})));
  example_.host().metadata->headers = false;
  EXPECT_THAT(host().services, IsEmpty());
  EXPECT_THAT(lines("web1"), IsEmpty());
}

TEST_F(MetadataCompileTest, KnowsThePortsThatTheHostServes) {
  EXPECT_THAT(lines("web1"), ElementsAre("metadata/proxy: guest web1: 10.0.0.11 web1 - -"));
  example_.port().instance = cloud::Instance{"i-1", "p-7"};
  EXPECT_THAT(lines("web1"), ElementsAre("metadata/proxy: guest web1: 10.0.0.11 web1 i-1 p-7"));
  example_.add_port("far", "blue", "10.0.0.12", "compute2");
  EXPECT_THAT(lines("far"), IsEmpty());
}

}  // namespace
}  // namespace novaplane::metadata
