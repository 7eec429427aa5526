#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "dataplane/base/files.h"
#include "tests/unit/api/asked.h"
#include "tests/unit/tools/scripted_daemon.h"

/// The commands with the API itself behind the socket, and a cloud in a database.
namespace novaplane::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

std::string header_in(const std::string& head, const std::string& name) {
  const auto at = head.find("\r\n" + name + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

api::Request request_of(const std::string& head, const std::string& body) {
  const auto method_end = head.find(' ');
  return {.method = head.substr(0, method_end),
          .target = head.substr(method_end + 1, head.find(" HTTP/") - method_end - 1),
          .if_match = header_in(head, "If-Match"),
          .content_type = header_in(head, "Content-Type"),
          .accept = header_in(head, "Accept"),
          .body = body,
          .by = "ann@h1"};
}

constexpr const char* kDocument = R"(hosts:
  h1: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}
  h2: {vm_interface: eth1, uplinks: [{name: wan, interface: eth0}]}
networks:
  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1}
ports:
  web1: {network: blue, host: h1, mac: fa:16:3e:00:00:01, address: 10.0.0.11, interface: tap1}
no_snat: [192.168.0.0/16]
)";

class CommandsAndApiTest : public CloudCommandTest {
 protected:
  void SetUp() override {
    CloudCommandTest::SetUp();
    if (!daemon_) return;
    store_ = store::SqliteStore::open(folder_ + "/cloud.db").value();
    follower_.emplace(*store_, copy_);
    committer_.emplace(*store_, copy_, *follower_);
    api_.emplace(*store_, copy_, *follower_, *committer_);
    daemon_->answer_all([this](const std::string& head, const std::string& body) {
      const api::Reply reply =
          api_->handle(request_of(head, body), {"h1", "0.1.0", copy_.revision()});
      std::string headers = fmt::format("Content-Type: {}\r\n", reply.content_type);
      for (const auto& [name, value] : reply.headers) {
        headers += fmt::format("{}: {}\r\n", name, value);
      }
      return ScriptedAnswer{reply.status, reply.body, headers, {}};
    });
    EXPECT_THAT(done({"apply", "-f", written("cloud.yaml", kDocument)}),
                HasSubstr("5 added, 0 changed, 0 removed\n"));
  }
  void TearDown() override {
    CloudCommandTest::TearDown();
    api_.reset();
  }

  /// What the command prints, which has to succeed.
  std::string done(std::vector<std::string> words) {
    const auto told = typed(std::move(words));
    EXPECT_EQ(told.status, kDone) << told.err;
    EXPECT_EQ(told.err, "");
    return told.out;
  }
  std::string failed(std::vector<std::string> words) {
    const auto told = typed(std::move(words));
    EXPECT_EQ(told.status, kFailed) << told.out;
    return told.err;
  }

  std::unique_ptr<store::SqliteStore> store_;
  store::Copy copy_;
  std::optional<store::Follower> follower_;
  std::optional<store::Committer> committer_;
  std::optional<api::Api> api_;
};

TEST_F(CommandsAndApiTest, ExportIsAFixPointOfApply) {
  const auto file = folder_ + "/out.yaml";
  done({"export", "-o", file});
  EXPECT_EQ(done({"diff", "--prune", "-f", file}), "nothing to change\n");
  EXPECT_EQ(done({"apply", "--prune", "-f", file}), "nothing to change\n");
  EXPECT_EQ(done({"export"}), *read_whole(file));
}

TEST_F(CommandsAndApiTest, WhatGetPrintsIsAPartThatApplyTakes) {
  for (const char* kind : {"hosts", "networks", "ports", "ranges"}) {
    for (const char* format : {"yaml", "json"}) {
      const auto part = written("part", done({"get", kind, "-o", format}));
      EXPECT_EQ(done({"apply", "-f", part}), "nothing to change\n") << kind << ' ' << format;
    }
  }
}

TEST_F(CommandsAndApiTest, TakesAPortAndAFloatingIpThroughTheirLives) {
  EXPECT_THAT(done({"create", "port", "web2", "network=blue", "host=h1", "interface=tap2"}),
              MatchesRegex("created port web2 at revision 2: mac [0-9a-f:]+, "
                           "address 10\\.0\\.0\\.[0-9]+\n"));
  EXPECT_EQ(done({"create", "pool", "public", "ranges=203.0.113.0/28", "uplink=wan"}),
            "created pool public at revision 3\n");
  std::string address = done({"floating", "allocate", "--pool", "public", "--port", "web2"});
  EXPECT_THAT(address, StartsWith("203.0.113."));
  address.pop_back();
  EXPECT_THAT(done({"get", "floating-ips", "port=web2"}), HasSubstr(address + "  web2  wan\n"));
  EXPECT_THAT(failed({"delete", "port", "web2"}), HasSubstr(address));

  done({"floating", "associate", address, "web1"});
  done({"floating", "disassociate", address});
  EXPECT_EQ(typed({"get", "fips", "port=web1"}).err,
            "novaplane: there are no floating IPs like that\n");
  done({"floating", "release", address});
  EXPECT_EQ(done({"port", "move", "web2", "h2", "--now"}), "changed port web2 at revision 8\n");
  EXPECT_EQ(done({"get", "ports", "host=h2", "-o", "name"}), "ports/web2\n");
  EXPECT_EQ(done({"delete", "ports/web2"}), "deleted port web2\n");
}

TEST_F(CommandsAndApiTest, SetsKeysOfEveryShape) {
  done({"set", "network", "blue", "mtu=1400", "dhcp.lease=1h", "dhcp.dns=10.0.0.2", "snat=false"});
  EXPECT_EQ(done({"get", "network", "blue", "-o", "yaml"}),
            "networks:\n"
            "  blue:\n"
            "    cidr: 10.0.0.0/24\n"
            "    gateway: 10.0.0.1\n"
            "    mtu: 1400\n"
            "    snat: false\n"
            "    dhcp:\n"
            "      lease: 1h\n"
            "      dns: [10.0.0.2]\n");
  done({"set", "network", "blue", "mtu=", "dhcp=", "snat="});
  done({"set", "host", "h2", "allow=tcp/22,udp/53",
        "uplinks=[{name: wan, interface: eth0}, {name: lan, interface: eth2}]"});
  EXPECT_THAT(done({"get", "hosts"}), HasSubstr("h2    eth1       wan, lan"));
  done({"set", "ranges", "no_snat=10.9.0.0/16"});
  EXPECT_EQ(done({"get", "ranges", "-o", "yaml"}), "no_snat: [10.9.0.0/16]\n");
  done({"create", "security-group", "web", "ingress=[{protocol: tcp, ports: [80, 443]}]"});
  done({"set", "port", "web1", "security_groups=web"});
  EXPECT_THAT(done({"get", "port", "web1", "-o", "yaml"}), HasSubstr("security_groups: [web]"));
}

TEST_F(CommandsAndApiTest, TellsMistakesByObjectKeyAndPlace) {
  EXPECT_EQ(failed({"set", "port", "web1", "network=bleu"}).substr(0, 30),
            "novaplane: ports.web1.network:");
  EXPECT_THAT(failed({"set", "port", "web1", "adress=10.0.0.12"}),
              AllOf(StartsWith("novaplane: ports.web1.adress:"), HasSubstr("address")));
  EXPECT_THAT(failed({"set", "port", "web9", "host=h1"}), HasSubstr("web9"));
  EXPECT_THAT(failed({"create", "port", "web1", "network=blue"}), HasSubstr("web1"));
  EXPECT_THAT(failed({"set", "port", "web1", "host=h2", "--revision", "7"}),
              HasSubstr("somebody else has changed it"));
  const auto file = written("bad.yaml",
                            "ports:\n  web2: {network: blue, mac: fa:16:3e:00:00:01,\n"
                            "         address: 10.0.0.300}\n");
  EXPECT_THAT(failed({"apply", "-f", file}),
              StartsWith("novaplane: " + file + ":3:19: ports.web2.address: "));
}

TEST_F(CommandsAndApiTest, TellsWhoHasChangedWhat) {
  done({"set", "port", "web1", "host=h2"});
  EXPECT_THAT(done({"history", "-n", "1"}),
              MatchesRegex("REVISION  AT +BY +OBJECTS\n2 +[-0-9]+ [:0-9]+  ann@h1  ports/web1\n"));
  EXPECT_THAT(done({"store", "status"}), HasSubstr("store     sqlite " + folder_ + "/cloud.db\n"));
  EXPECT_EQ(done({"wait", "--host", "h1"}), "revision 2 is in the kernel of h1\n");
  EXPECT_EQ(done({"store", "backup", folder_ + "/copy.db"}), "wrote " + folder_ + "/copy.db\n");
  EXPECT_EQ(done({"store", "accept"}), "this host follows the store's cloud\n");
}

TEST_F(CommandsAndApiTest, TellsWhoIsAliveAndRestoresABackUp) {
  EXPECT_THAT(done({"hosts"}), AllOf(HasSubstr("h1    yes    1         0       0.1.0    1"),
                                     HasSubstr("h2    no     -")));
  EXPECT_THAT(done({"store", "check"}), HasSubstr(", equal\n"));
  EXPECT_THAT(failed({"store", "init"}), HasSubstr("the store has a cloud, at revision 1"));
  done({"store", "backup", folder_ + "/copy.db"});
  done({"delete", "port", "web1"});
  EXPECT_THAT(done({"store", "restore", folder_ + "/copy.db", "--yes"}),
              AllOf(HasSubstr("1 written, 0 removed"), HasSubstr("restored: revision 3")));
  EXPECT_THAT(done({"get", "ports", "-o", "name"}), HasSubstr("ports/web1"));
  done({"create", "pool", "public", "ranges=203.0.113.0/28", "uplink=wan"});
  done({"floating", "allocate", "--pool", "public"});
  EXPECT_THAT(done({"get", "pools"}), MatchesRegex("NAME .*FREE\npublic .* [0-9]+ +1 +[0-9]+\n"));
}

}  // namespace
}  // namespace novaplane::tools
