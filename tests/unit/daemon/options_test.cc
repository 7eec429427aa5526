#include "dataplane/daemon/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace novaplane::daemon {
namespace {

using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

Options options(const std::vector<std::string>& words) {
  const auto parsed = parse_options(words);
  const auto* usage = std::get_if<Usage>(&parsed);
  EXPECT_EQ(usage, nullptr) << usage->text;
  return usage ? Options() : std::get<Options>(parsed);
}

Usage usage(const std::vector<std::string>& words) {
  const auto parsed = parse_options(words);
  const auto* usage = std::get_if<Usage>(&parsed);
  EXPECT_NE(usage, nullptr);
  return usage ? *usage : Usage();
}

TEST(DaemonOptions, ArePathsThatNoWorkingDirectoryChanges) {
  const Options all = options({"--state=/etc/novaplane/cloud.yaml", "--host", "h1", "--run-dir",
                               "/run/h1/../h2", "--log-level", "debug"});
  EXPECT_EQ(all.document, "/etc/novaplane/cloud.yaml");
  EXPECT_EQ(all.host, "h1");
  EXPECT_EQ(all.run_dir, "/run/h2");
  EXPECT_EQ(all.log_level, log::Level::debug);
  EXPECT_THAT(options({"--state", "cloud.yaml"}).document, StartsWith("/"));
}

TEST(DaemonOptions, HaveDefaults) {
  const Options few = options({"--state", "/cloud.yaml"});
  EXPECT_FALSE(few.host.empty());
  EXPECT_EQ(few.run_dir, "/run/novaplane");
  EXPECT_EQ(few.log_level, log::Level::info);
}

TEST(DaemonOptions, AHostKeepsWhatOtherMachinesHave) {
  EXPECT_EQ(options({"--store=etcd:http://n1:2379"}).replica, "/var/lib/novaplane/replica.db");
  EXPECT_EQ(options({"--store=etcd:http://n1:2379", "--replica=none"}).replica, "");
  EXPECT_EQ(options({"--store=sqlite:/a.db"}).replica, "");
  EXPECT_EQ(options({"--store=sqlite:/a.db", "--replica=/b/../c.db"}).replica, "/c.db");
  EXPECT_THAT(options({"--store=sqlite:/a.db", "--replica=c.db"}).replica, StartsWith("/"));
  for (const char* store : {"--store=file:/a", "--state=/a"}) {
    EXPECT_THAT(usage({store, "--replica=/c.db"}).text,
                StartsWith("novaplaned: --replica is for a store that may be away"));
  }
}

TEST(DaemonOptions, ListenOverTlsAtSeveralAddresses) {
  const Options all = options({"--state=/c", "--listen", "192.0.2.11:8443", "--listen=[::1]:8444",
                               "--tls-cert=/a", "--tls-key=/b", "--tls-client-ca=c"});
  ASSERT_EQ(all.tls.addresses.size(), 2U);
  EXPECT_EQ(all.tls.addresses[0].to_string(), "192.0.2.11:8443");
  EXPECT_EQ(all.tls.addresses[1].to_string(), "[::1]:8444");
  EXPECT_EQ(all.tls.files.certificate, "/a");
  EXPECT_EQ(all.tls.files.key, "/b");
  EXPECT_THAT(all.tls.files.authorities, AllOf(StartsWith("/"), EndsWith("/c")));
}

TEST(DaemonOptions, ListenNowhereElse) {
  for (const char* wrong : {"8443", ":8443", "h1:8443", "10.0.0.1", "10.0.0.1:0", "10.0.0.1:65536",
                            "::1:8443", "[10.0.0.1]:8443", "224.0.0.1:1", "10.0.0.1:8443x"}) {
    const auto text = usage({"--state=/c", std::string("--listen=") + wrong, "--tls-cert=/a",
                             "--tls-key=/b", "--tls-client-ca=/c"})
                          .text;
    EXPECT_THAT(text, AllOf(HasSubstr(wrong), HasSubstr("say ADDRESS:PORT")));
  }
  EXPECT_THAT(usage({"--state=/c", "--listen=10.0.0.1:8443", "--tls-cert=/a"}).text,
              HasSubstr("--listen needs --tls-cert, --tls-key and --tls-client-ca"));
  EXPECT_THAT(usage({"--state=/c", "--tls-cert=/a"}).text, HasSubstr("need --listen"));
}

TEST(DaemonOptions, SayWhatIsWrongAndHowItIsUsed) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
      {{}, "novaplaned: --state or --store is missing\n"},
      {{"--state", "a", "--store", "sqlite:b"},
       "novaplaned: --state and --store exclude each other\n"},
      {{"--state", "/a", "/b"}, "novaplaned: do not know what to do with /b\n"},
      {{"--stat", "/a"}, "novaplaned: unknown option --stat: did you mean --state?\n"},
      {{"--state", "/a", "--log-level", "loud"}, "novaplaned: no log level loud\n"},
      {{"--state"}, "novaplaned: the required argument for option '--state' is missing\n"}};
  for (const auto& [words, sentence] : wrong) {
    EXPECT_THAT(usage(words).text, AllOf(StartsWith(sentence), HasSubstr("usage: novaplaned")));
    EXPECT_EQ(usage(words).status, 64);
  }
}

TEST(DaemonOptions, HelpAndVersionAreNoErrors) {
  EXPECT_THAT(usage({"--help"}).text, StartsWith("usage: novaplaned --state FILE"));
  EXPECT_EQ(usage({"--help"}).status, 0);
  EXPECT_THAT(usage({"--version"}).text, StartsWith("novaplaned "));
  EXPECT_EQ(usage({"--version"}).status, 0);
}

}  // namespace
}  // namespace novaplane::daemon
