#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/netns/cloud_test.h"
#include "tests/netns/world/http.h"
#include "tests/support/pretended.h"

/// The proxy before the metadata server: it says who asks, whatever the guest says of itself.
namespace novaplane::netns {
namespace {

using testing::SizeIs;
using testing::StartsWith;

constexpr auto kAsked = "169.254.169.254";
constexpr auto kSignature =  // printf 'i-1' | openssl dgst -sha256 -hmac secret
    "d0eb6bf7ee2f44ba139cba554da58398da170e9d2f8f3621162c9a07fc576524";

class MetadataProxyTest : public BothWaysTest {
 protected:
  MetadataProxyTest() {
    std::ofstream(secret_) << "secret\n";
    metadata("address: 127.0.0.1:8775, headers: true, secret_file: " + secret_);
    document.ports["web1"] += ", instance_id: i-1, project_id: p-7";
  }

  void metadata(const std::string& value) {
    document.hosts["h1"] = fmt::format(
        "vm_interface: eth1, metadata: {{{}}}, uplinks: [{{name: wan, interface: eth0, gateway: "
        "192.0.2.1}}]",
        value);
  }
  void up() {
    world.up();
    for (Vm* vm : {&web1, &web2}) vm->configure();
  }
  std::vector<pid_t> proxies() const { return h1.processes("novaplane-metad"); }

  const test::FirstInPath path_{
      std::filesystem::path(NOVAPLANE_METADATA_PROGRAM).parent_path().string()};
  const std::string secret_ = world.folder() + "/secret";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
};
INSTANTIATE_TEST_SUITE_P(, MetadataProxyTest, testing::Bool(), how);

TEST_P(MetadataProxyTest, TellsTheServerWhoAsks) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  EXPECT_THAT(http_request(web1, kAsked, "GET /latest/user-data"),
              AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\n\r\nhello")));
  EXPECT_THAT(http_request(web2, kAsked, "GET /latest/user-data"), HasSubstr("hello"));
  ASSERT_THAT(server.requests(), SizeIs(2));
  EXPECT_THAT(server.requests()[0],
              AllOf(StartsWith("GET /latest/user-data HTTP/1.1\r\n"),
                    HasSubstr("\r\nX-Forwarded-For: 10.0.0.11\r\n"),
                    HasSubstr("\r\nX-Instance-Port: web1\r\n"),
                    HasSubstr("\r\nX-Instance-ID: i-1\r\n"), HasSubstr("\r\nX-Tenant-ID: p-7\r\n"),
                    HasSubstr(fmt::format("\r\nX-Instance-ID-Signature: {}\r\n", kSignature))));
  EXPECT_THAT(server.requests()[1],
              AllOf(HasSubstr("\r\nX-Forwarded-For: 10.0.0.12\r\n"),
                    HasSubstr("\r\nX-Instance-Port: web2\r\n"), Not(HasSubstr("X-Instance-ID"))))
      << "the document does not say what its instance is called";
}

TEST_P(MetadataProxyTest, NoGuestSaysWhoItIs) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  EXPECT_THAT(
      http_request(web2, kAsked, "GET /",
                   "X-Forwarded-For: 10.0.0.11\r\nX-Instance-ID: i-1\r\n"
                   "x_instance_id: i-1\r\nX-Instance_Port: web1\r\nFORWARDED: for=10.0.0.11\r\n"
                   "X-Tenant-ID: p-7\r\nX-Instance-ID-Signature: 00\r\nX-Real-IP: 10.0.0.11\r\n"
                   "Connection: close, X-Forwarded-For, Host\r\n"
                   "X-aws-ec2-metadata-token: t\r\n"),
      HasSubstr("hello"));
  ASSERT_THAT(server.requests(), SizeIs(1));
  EXPECT_THAT(server.requests()[0],
              AllOf(Not(HasSubstr("10.0.0.11")), Not(HasSubstr("i-1")), Not(HasSubstr("web1")),
                    Not(HasSubstr("p-7")), HasSubstr("\r\nX-Forwarded-For: 10.0.0.12\r\n"),
                    HasSubstr("\r\nX-aws-ec2-metadata-token: t\r\n"),
                    HasSubstr("\r\nHost: 169.254.169.254\r\n")));
}

/// A second request in the first one's body, or behind it, is answered as the guest's own.
TEST_P(MetadataProxyTest, NoRequestIsSmuggled) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  const std::string hidden = "GET /secret HTTP/1.1\r\nX-Instance-ID: i-1\r\n\r\n";
  const auto both = fmt::format(
      "POST / HTTP/1.1\r\nContent-Length: {}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{}",
      hidden.size(), hidden);
  (void)converse(web2, kAsked, 80, both + "GET / HTTP/1.0\r\n\r\n");
  (void)converse(
      web2, kAsked, 80,
      "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + hidden + "GET / HTTP/1.0\r\n\r\n");
  for (const std::string& request : server.requests()) {
    EXPECT_THAT(request, AllOf(HasSubstr("\r\nX-Forwarded-For: 10.0.0.12\r\n"),
                               Not(HasSubstr("X-Instance-ID: i-1\r\n\r\n"))));
    EXPECT_THAT(request.substr(request.find("\r\n\r\n")), Not(HasSubstr("HTTP/1.1")));
  }
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello"));
}

TEST_P(MetadataProxyTest, PassesBodiesAndAnswersOfEachKind) {
  const std::string large(300'000, 'x');
  const HttpServer server(h1, "127.0.0.1", 8775, [&](const std::string& request) -> std::string {
    if (request.starts_with("HEAD")) return "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n";
    if (request.find("/large") != std::string::npos) return http_ok(large);
    if (request.find("/none") != std::string::npos) return "HTTP/1.1 204 No Content\r\n\r\n";
    if (request.find("/old") != std::string::npos) return "HTTP/1.0 200 OK\r\n\r\nuntil the end";
    if (request.find("/chunks") != std::string::npos) {
      return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
             "5\r\nfirst\r\n6\r\nsecond\r\n0\r\n\r\n";
    }
    return "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nEtag: 7\r\n\r\nnone";
  });
  up();
  EXPECT_THAT(http_request(web1, kAsked, "HEAD /x"),
              AllOf(HasSubstr("\r\nContent-Length: 7\r\n"), testing::EndsWith("\r\n\r\n")));
  EXPECT_THAT(http_request(web1, kAsked, "GET /large"), HasSubstr("\r\n\r\n" + large));
  EXPECT_THAT(http_request(web1, kAsked, "GET /none"), StartsWith("HTTP/1.1 204 "));
  EXPECT_THAT(http_request(web1, kAsked, "GET /old"), HasSubstr("\r\n\r\nuntil the end"));
  EXPECT_THAT(http_request(web1, kAsked, "GET /chunks"),
              AllOf(StartsWith("HTTP/1.1 200 "), HasSubstr("first"), HasSubstr("second")));
  EXPECT_THAT(http_request(web1, kAsked, "PUT /token", "", "a body"),
              AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("\r\nEtag: 7\r\n"), HasSubstr("none")));
  EXPECT_THAT(server.requests().back(), testing::EndsWith("\r\n\r\na body"));
}

TEST_P(MetadataProxyTest, SaysWhatIsWrong) {
  up();
  EXPECT_THAT(http_request(web1, kAsked, "GET /"),
              AllOf(StartsWith("HTTP/1.1 502 "), HasSubstr("the metadata server does not answer")));
  EXPECT_THAT(converse(web1, kAsked, 80, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(http_request(web1, kAsked, "GET http://192.0.2.1/"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(http_request(web1, kAsked, "GET /", "X: " + std::string(9000, 'x') + "\r\n"),
              StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(http_request(web1, kAsked, "PUT /", "", std::string(70'000, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(converse(h1, "127.110.112.109", 254, "GET / HTTP/1.0\r\n\r\n"),
              AllOf(StartsWith("HTTP/1.1 404 "), HasSubstr("no port that this host serves")))
      << "the host itself is no guest";
}

/// Connections that say nothing are limited for each guest; others are served beside them.
TEST_P(MetadataProxyTest, AGuestThatHoldsConnectionsHoldsUpNobodyElse) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  std::vector<Fd> held;
  for (int i = 0; i < 40; ++i) held.push_back(connection(web2, kAsked, 80));
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello"));
  held.clear();
  EXPECT_TRUE(eventually(
      [&] { return http_request(web2, kAsked, "GET /").find("hello") != std::string::npos; }));
}

TEST_P(MetadataProxyTest, LearnsOfPortsWithoutARestart) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  const auto before = proxies();
  ASSERT_THAT(before, SizeIs(1));
  Vm& web3 = world.vm("web3", h1, "blue", "10.0.0.13");
  std::string& port = document.ports["web1"];
  port.replace(port.find("i-1"), 3, "i-2");
  world.up();
  web3.configure();
  EXPECT_THAT(http_request(web3, kAsked, "GET /"), HasSubstr("hello"));
  EXPECT_THAT(server.requests().back(), HasSubstr("\r\nX-Instance-Port: web3\r\n"));
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello"));
  EXPECT_THAT(server.requests().back(), HasSubstr("\r\nX-Instance-ID: i-2\r\n"));
  EXPECT_EQ(proxies(), before);
}

TEST_P(MetadataProxyTest, IsNobodyAndStartedAgainWhenItDies) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  world.write();
  Daemon daemon(world, h1);
  ASSERT_TRUE(daemon.ready()) << daemon.log();
  web1.configure();
  const auto first = proxies();
  ASSERT_THAT(first, SizeIs(1));
  struct stat status {};
  ASSERT_EQ(::stat(fmt::format("/proc/{}", first[0]).c_str(), &status), 0);
  EXPECT_NE(status.st_uid, 0u);
  h1.kill_all("novaplane-metad");
  EXPECT_TRUE(eventually([&] {
    return http_request(web1, kAsked, "GET /").find("hello") != std::string::npos;
  })) << daemon.log();
  // The one that began it ends when it serves.
  EXPECT_TRUE(eventually([&] { return proxies().size() == 1; }));
  EXPECT_NE(proxies(), first);
  EXPECT_EQ(daemon.terminate(), 0);
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello")) << "it lives on";
}

TEST_P(MetadataProxyTest, AnotherSecretIsTakenUp) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  std::ofstream(secret_) << "another\n";
  world.up();
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello"));
  EXPECT_THAT(server.requests().back(), Not(HasSubstr(kSignature)));
}

/// The last good configuration goes on, and the operator is told.
TEST_P(MetadataProxyTest, ASecretThatIsNotThereStopsNothing) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  metadata("address: 127.0.0.1:8775, headers: true, secret_file: /nowhere/secret");
  world.write();
  const auto failed = h1.up();
  EXPECT_NE(failed.status, 0);
  EXPECT_THAT(failed.out + failed.err, HasSubstr("/nowhere/secret: No such file or directory"));
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello"));
  EXPECT_THAT(server.requests().back(), HasSubstr(kSignature));
  metadata("address: 127.0.0.1:8775, headers: true, secret_file: " + secret_);
  up();
}

TEST_P(MetadataProxyTest, GoesWithItsKeyAndWithDown) {
  const HttpServer server(h1, "127.0.0.1", 8775);
  up();
  ASSERT_THAT(proxies(), SizeIs(1));
  metadata("address: 127.0.0.1:8775");
  up();
  EXPECT_THAT(proxies(), IsEmpty());
  EXPECT_THAT(http_request(web1, kAsked, "GET /"), HasSubstr("hello"));
  EXPECT_EQ(server.callers().back(), "10.0.0.11") << "the server sees the guest itself again";
  metadata("address: 127.0.0.1:8775, headers: true");
  up();
  ASSERT_THAT(proxies(), SizeIs(1));
  ASSERT_EQ(h1.down().status, 0);
  EXPECT_THAT(proxies(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(h1.run_dir() + "/metadata"));
  world.up();
}

}  // namespace
}  // namespace novaplane::netns
