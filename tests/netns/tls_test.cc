#include <sys/socket.h>

#include <filesystem>

#include "tests/netns/certificates.h"
#include "tests/netns/store_daemon.h"
#include "tests/netns/world/http.h"

/// The control API over TCP with TLS: who is let in, and what those outside can do about it.
namespace novaplane::netns {
namespace {

constexpr auto kServer = "192.0.2.11";  ///< h1's address at its uplink
constexpr int kPort = 8443;
constexpr auto kNames = "subjectAltName=IP:192.0.2.11,IP:127.0.0.1,DNS:compute1";

class TlsTest : public CloudTest {
 protected:
  std::vector<std::string> listening(const std::string& at = "192.0.2.11:8443") const {
    return {"--listen",  at,          "--tls-cert",      server_.file,
            "--tls-key", server_.key, "--tls-client-ca", authority_.file()};
  }
  void up(StoreDaemon& daemon) {
    world.write();
    ASSERT_TRUE(daemon.listens()) << daemon.log();
    const auto applied = daemon("apply -f " + world.file());
    ASSERT_TRUE(applied.ok()) << applied.text() << daemon.log();
    ASSERT_TRUE(daemon.has_applied()) << daemon.log();
    ASSERT_TRUE(daemon.says("answers over TLS at")) << daemon.log();
  }
  void end(StoreDaemon& daemon) {
    const auto exported = daemon("export -o " + world.file());
    EXPECT_TRUE(exported.ok()) << exported.text();
    EXPECT_TRUE(h2.up().ok());
    EXPECT_EQ(daemon.terminate(), 0);
  }
  std::vector<std::string> curl(const Certificate& client, const std::string& path,
                                const std::string& words = {}) const {
    auto argv = words_of("curl --silent --show-error --no-buffer --max-time 60 " + words);
    for (const std::string& word : {"--cacert"s, authority_.file()}) argv.push_back(word);
    if (!client.file.empty()) {
      argv.insert(argv.end(), {"--cert", client.file, "--key", client.key});
    }
    argv.push_back(fmt::format("https://{}:{}{}", kServer, kPort, path));
    return argv;
  }
  Outcome ask(const Certificate& client, const std::string& path, const std::string& words = {}) {
    return outside.run(curl(client, path, words));
  }
  /// `novaplane WORDS...` far away from the host, as an operator has set it up for himself.
  Outcome novaplane(const Certificate& client, const std::string& words) {
    auto argv = words_of("novaplane " + words);
    argv.front() = NOVAPLANE_PROGRAM;
    return run({.argv = argv,
                .namespace_fd = outside.fd(),
                .environment = {{"NOVAPLANE_SERVER", fmt::format("https://{}:{}", kServer, kPort)},
                                {"NOVAPLANE_CACERT", authority_.file()},
                                {"NOVAPLANE_CERT", client.file},
                                {"NOVAPLANE_KEY", client.key}}});
  }

  Authority authority_{world.folder(), "authority"};
  Certificate server_ = authority_.issue("server", "/CN=compute1", kNames);
  Certificate alice = authority_.issue("alice", "/O=ACME/O=novaplane/CN=alice");
  Certificate bob = authority_.issue("bob", "/O=novaplane-view/CN=bob");
};

TEST_F(TlsTest, WhoHasACertificateMayWhatItsOrganisationMay) {
  StoreDaemon daemon(world, h1, listening());
  up(daemon);
  const auto made = novaplane(alice, "create port web1 network=blue host=h1 interface=tap-web1");
  EXPECT_TRUE(made.ok()) << made.text() << daemon.log();
  EXPECT_TRUE(novaplane(alice, "wait").ok());
  const auto ports = novaplane(bob, "get ports");
  EXPECT_THAT(ports.out, HasSubstr("tap-web1")) << ports.text() << daemon.log();
  EXPECT_THAT(novaplane(bob, "show ports").out, HasSubstr("tap-web1"));
  const std::string history = novaplane(bob, "history").out;
  EXPECT_THAT(history, AllOf(HasSubstr(" alice "), Not(HasSubstr("alice@"))));
  EXPECT_THAT(novaplane(bob, "delete port web1").err,
              HasSubstr("bob may not DELETE /v1/ports/web1: a certificate with O=novaplane may"));
  EXPECT_THAT(ask(alice, "/v1/store/backup", "--json {}").out, HasSubstr("only root of this host"));
  EXPECT_THAT(ask(bob, "/status").out, HasSubstr("\"host\""));
  const auto plan = novaplane(alice, "plan " + world.file());
  EXPECT_EQ(plan.status, 64);
  EXPECT_THAT(plan.err, HasSubstr("plan is about the network of this host"));
  end(daemon);
}

TEST_F(TlsTest, NobodyElseIsLetIn) {
  const Authority other(world.folder(), "other");
  const auto stranger = other.issue("stranger", "/O=novaplane/CN=alice");
  const auto expired =
      authority_.issue("expired", "/O=novaplane/CN=alice", "extendedKeyUsage=clientAuth", -1);
  const auto of_server =
      authority_.issue("of-server", "/O=novaplane/CN=alice", "extendedKeyUsage=serverAuth");
  const auto nobody = authority_.issue("nobody", "/O=ACME/CN=nobody");
  const auto nameless = authority_.issue("nameless", "/O=novaplane");
  StoreDaemon daemon(world, h1, listening());
  up(daemon);
  const std::vector<std::pair<Certificate, std::string>> refused{{{}, "certificate required"},
                                                                 {stranger, "unknown ca"},
                                                                 {expired, "certificate expired"},
                                                                 {of_server, "alert"}};
  for (const auto& [client, why] : refused) {
    SCOPED_TRACE(client.file);
    const auto answer = ask(client, "/v1/status");
    EXPECT_EQ(answer.status, 56) << "curl: it failed to receive: " << answer.text();
    EXPECT_THAT(answer.out, IsEmpty());
    EXPECT_THAT(novaplane(client, "get ports").err, HasSubstr(why));
  }
  EXPECT_TRUE(daemon.says("certificate has expired")) << daemon.log();
  EXPECT_THAT(
      ask(nobody, "/v1/ports").out,
      AllOf(HasSubstr("\"status\":403"),
            HasSubstr("nobody may not GET /v1/ports: a certificate with O=novaplane-view")));
  EXPECT_THAT(ask(nameless, "/v1/ports").out, HasSubstr("without a name (CN)"));
  EXPECT_THAT(converse(outside, kServer, kPort, "GET /v1/ports HTTP/1.1\r\nHost: h\r\n\r\n"),
              Not(HasSubstr("HTTP/1.1 200")))
      << "nothing is said in plain text";
  EXPECT_NE(ask(alice, "/v1/status", "--tls-max 1.1").status, 0);
  EXPECT_TRUE(ask(alice, "/v1/status", "--tls-max 1.2").ok());
  // Nor does a client take any server for the right one.
  const auto wrong = other.issue("wrong", "/CN=compute1", kNames);
  replace_file(server_.file, read_file(wrong.file));
  replace_file(server_.key, read_file(wrong.key));
  EXPECT_TRUE(eventually([&] {
    return novaplane(alice, "get ports").err.find("certificate verify failed") != std::string::npos;
  })) << novaplane(alice, "get ports").text();
  const auto renamed = authority_.issue("renamed", "/CN=compute2", "subjectAltName=DNS:compute2");
  replace_file(server_.file, read_file(renamed.file));
  replace_file(server_.key, read_file(renamed.key));
  EXPECT_TRUE(eventually([&] {
    return ask(alice, "/v1/status").err.find("192.0.2.11") != std::string::npos &&
           novaplane(alice, "get ports").err.find("certificate verify failed") != std::string::npos;
  })) << novaplane(alice, "get ports").text();
  end(daemon);
}

TEST_F(TlsTest, CertificatesAreReplacedWhileConnectionsStay) {
  StoreDaemon daemon(world, h1, listening());
  up(daemon);
  const Child watch({.argv = curl(bob, "/v1/watch"), .namespace_fd = outside.fd()},
                    world.folder() + "/watch");
  const auto sees_changes = [&](const std::string& mtu) {
    return eventually([&] {
      EXPECT_TRUE(novaplane(alice, "set network blue mtu=1400").ok());
      EXPECT_TRUE(novaplane(alice, "set network blue mtu=" + mtu).ok());
      return watch.log().find("\"mtu\":" + mtu) != std::string::npos;
    });
  };
  EXPECT_TRUE(sees_changes("1450")) << watch.log() << daemon.log();
  const auto shown = [&] {
    return outside
        .run({"sh", "-c",
              fmt::format("openssl s_client -connect {}:{} </dev/null 2>/dev/null | "
                          "openssl x509 -noout -subject",
                          kServer, kPort)})
        .out;
  };
  EXPECT_THAT(shown(), HasSubstr("compute1"));
  replace_file(server_.key, "no key\n");
  EXPECT_TRUE(daemon.says("certificates that were read before stay in use")) << daemon.log();
  EXPECT_TRUE(ask(alice, "/v1/status").ok());
  const auto renewed = authority_.issue("renewed", "/CN=renewed", kNames);
  replace_file(server_.file, read_file(renewed.file));
  replace_file(server_.key, read_file(renewed.key));
  EXPECT_TRUE(eventually([&] { return shown().find("renewed") != std::string::npos; }))
      << daemon.log();
  EXPECT_TRUE(ask(alice, "/v1/status").ok()) << daemon.log();
  EXPECT_TRUE(sees_changes("1470")) << "the watch goes on: " << watch.log() << daemon.log();
  end(daemon);
}

/// The address is the gateway's, which the daemon makes when it has started.
TEST_F(TlsTest, ListensBeforeTheAddressIsThere) {
  document.hosts["h1"] += ", allow: [tcp/8443]";
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  server_ = authority_.issue("server", "/CN=compute1", "subjectAltName=IP:10.0.0.1");
  StoreDaemon daemon(world, h1, listening("10.0.0.1:8443"));
  up(daemon);
  web1.configure();
  auto argv = curl(bob, "/v1/status");
  argv.back() = "https://10.0.0.1:8443/v1/status";
  EXPECT_TRUE(eventually([&] { return web1.run(argv).ok(); })) << web1.run(argv).text();
  end(daemon);
}

TEST_F(TlsTest, GuestsDoNotReachIt) {
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  StoreDaemon daemon(world, h1, listening("0.0.0.0:8443"));
  up(daemon);
  web1.configure();
  ASSERT_TRUE(web1.pings("10.0.0.1"));
  EXPECT_TRUE(ask(alice, "/v1/status").ok());
  for (const char* address : {"10.0.0.1", kServer}) {
    const auto answer = web1.run(words_of(
        fmt::format("curl --silent --insecure --max-time 2 https://{}:8443/status", address)));
    EXPECT_TRUE(answer.status == 7 || answer.status == 28)
        << "curl: not connected: " << address << answer.text();
  }
  end(daemon);
}

TEST_F(TlsTest, WhoKnocksAndSaysNothingKeepsNobodyOut) {
  StoreDaemon daemon(world, h1, listening());
  up(daemon);
  std::vector<Fd> silent;
  for (int i = 0; i < 200; ++i) {  // many more than handshakes that are waited for
    silent.push_back(connection(outside, kServer, kPort));
    ASSERT_TRUE(silent.back());
  }
  const auto status = ask(alice, "/v1/status");
  EXPECT_TRUE(status.ok()) << status.text() << daemon.log();
  // With a good certificate, and with a request that has no end.
  std::vector<std::unique_ptr<Child>> slow;
  for (int i = 0; i < 20; ++i) {
    const auto argv =
        words_of(fmt::format("openssl s_client -quiet -connect {}:{} -cert {} -key {} -CAfile {}",
                             kServer, kPort, bob.file, bob.key, authority_.file()));
    slow.push_back(std::make_unique<Child>(
        Command{.argv = argv, .namespace_fd = outside.fd(), .input = "GET /v1/ports HT"},
        fmt::format("{}/slow{}", world.folder(), i)));
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(ask(alice, "/v1/status").ok()) << daemon.log();
    EXPECT_TRUE(daemon("store status").ok()) << daemon.log();
  }
  slow.clear();
  end(daemon);
}

}  // namespace
}  // namespace novaplane::netns
