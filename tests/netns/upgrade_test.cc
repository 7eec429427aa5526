#include <filesystem>
#include <map>
#include <memory>
#include <regex>

#include "tests/netns/recorded/cloud.h"
#include "tests/netns/world/probe.h"
#include "tests/netns/world/recording.h"
#include "tests/netns/world/talk.h"

/// A host that another version has brought up, and still serves, is taken over by this one.
namespace novaplane::netns {
namespace {

/// Generous, since others may have the machine; the figure itself is printed.
constexpr Duration kUnnoticed = 500ms;

class UpgradeTest : public RecordedCloud, public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    world.write();
    restore(h1, folder(GetParam()));
    EXPECT_TRUE(world.h2.up().ok()) << "a host that has been upgraded before";
    configure_guests();
  }
  void TearDown() override { world.expect_converged(); }

  void configure_guests() {
    ASSERT_TRUE(web1.dhcp());
    for (Vm* vm : {&app1, &job1, &app2, &web2}) vm->configure();
    db1.configure("10.0.0.254");
    web1.sysctl("net/ipv6/conf/eth0/disable_ipv6", "0");
    web1.ip_batch(
        "address add 2001:db8:1:0:f816:3eff:fe01:b/64 dev eth0 nodad\n"
        "route add default via 2001:db8:1::1 dev eth0\n");
  }

  /// What stands in one only, whatever numbers links have, and in whatever order sets and elements
  /// are listed.
  static std::string difference(const Snapshot& before, const Snapshot& after) {
    static const std::regex number("(show: )[0-9]+: |(port_id|port_no|designated_port) \\S+");
    static const std::regex place("^\\s*(elements = \\{ )?|,$| \\}$");
    std::map<std::string, int> lines;
    int sign = 0;  // what is of several lines has it before the first one
    for (std::string line : lines_of(Snapshot::difference(before, after))) {
      if (line.starts_with("+ ") || line.starts_with("- ")) {
        sign = line[0] == '+' ? 1 : -1;
        line.erase(0, 1);
      }
      line = std::regex_replace(line, number, "$1");
      lines[std::regex_replace(line, place, "")] += sign;
    }
    std::string text;
    for (const auto& [line, count] : lines)
      if (count != 0) text += fmt::format("{}{}\n", count > 0 ? '+' : '-', line);
    return text;
  }

  /// The same as on a host that had nothing before, and that host gets back what it had then.
  void expect_as_fresh(const std::function<void()>& stop, const std::function<void()>& start) {
    const Snapshot upgraded(h1);
    const auto files = run_dir();
    stop();
    const auto down = h1.down();
    EXPECT_TRUE(down.ok()) << down.text();
    EXPECT_EQ(difference(at_first, Snapshot(h1)), "") << "what was found is back";
    start();
    EXPECT_EQ(difference(upgraded, Snapshot(h1)), "") << "as on a host that had nothing before";
    EXPECT_EQ(files, run_dir());
  }

  /// Its files, by name, without digests and numbers in them.
  std::vector<std::string> run_dir() const {
    std::vector<std::string> names;
    static const std::regex own("-[0-9a-f]{16}(-[0-9]+)?");
    for (const auto& entry : std::filesystem::recursive_directory_iterator(h1.run_dir()))
      names.push_back(std::regex_replace(entry.path().string(), own, ""));
    std::ranges::sort(names);
    return names;
  }

  Namespace& outside = world.outside;
  const Snapshot at_first{h1};
};

struct Conversation {
  const char* what;
  const Namespace& from;
  std::string address;
  int port;
};

class Conversations {
 public:
  explicit Conversations(const std::vector<Conversation>& all) {
    for (const Conversation& one : all) {
      const std::string seen = seen_at(one.from, one.address, one.port);
      EXPECT_THAT(seen, testing::ContainsRegex("^[0-9a-f.:]+$")) << one.what;
      talks_.emplace_back(one.what, std::make_unique<Talk>(one.from, one.address, one.port));
    }
  }
  void expect_going_on(const std::string& when) {
    for (auto& [what, talk] : talks_) EXPECT_TRUE(talk->goes_on()) << what << " " << when;
  }

 private:
  std::vector<std::pair<std::string, std::unique_ptr<Talk>>> talks_;
};

class FlowsTest : public UpgradeTest {
 protected:
  const Server web{web1, "0.0.0.0", 80}, web6{web1, "::", 80}, ssh{web1, "0.0.0.0", 22},
      app{app1, "0.0.0.0", 80}, db{db1, "0.0.0.0", 80}, far{app2, "0.0.0.0", 80},
      beyond{outside, "192.0.2.1", 8080}, own{h1, "198.18.5.1", 22};
  const Echo echo{web1, 7};

  std::vector<Conversation> conversations() {
    return {{"a floating IP", outside, "203.0.113.10", 80},
            {"a floating IP by the second uplink", outside, "203.0.114.10", 80},
            {"a floating IP of any uplink", outside, "203.0.113.13", 80},
            {"a floating IP behind a router outside", outside, "203.0.113.12", 80},
            {"a floating IPv6", outside, "2001:db8:f::10", 80},
            {"a port forward", outside, "192.0.2.11", 2222},
            {"SNAT", job1, "192.0.2.1", 8080},
            {"by the router outside", db1, "192.0.2.1", 8080},
            {"between hosts, in a tunnel", app1, "10.5.0.12", 80},
            {"between hosts, on the wire", web2, "10.1.0.11", 80},
            {"to the host, which was moved to a bridge", world.h2, "198.18.5.1", 22}};
  }
};

INSTANTIATE_TEST_SUITE_P(, FlowsTest, testing::Values("af47eac"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(FlowsTest, TheDaemonTakesItOver) {
  std::unique_ptr<Daemon> daemon;
  const auto start = [&] {
    daemon = std::make_unique<Daemon>(world, h1);
    EXPECT_TRUE(daemon->ready()) << daemon->log();
    EXPECT_TRUE(eventually([&] { return h1.plan().status == 0; })) << h1.plan().text();
  };
  Conversations talk(conversations());
  talk.expect_going_on("before");
  Probe probe(outside, "203.0.113.10", 7);
  ASSERT_TRUE(probe.answered());
  (void)probe.longest_gap();
  start();
  EXPECT_TRUE(probe.answered());
  EXPECT_LT(probe.longest_gap(), kUnnoticed);
  talk.expect_going_on("after");
  const auto lease = web1.dhcp();
  EXPECT_EQ(lease ? lease->address : "none", web1.address());
  Conversations(conversations()).expect_going_on("which began after it");
  expect_as_fresh([&] { daemon->terminate(); }, start);
}

TEST_P(FlowsTest, UpTakesItOver) {
  const auto up = [&] {
    const auto outcome = h1.up();
    EXPECT_TRUE(outcome.ok()) << outcome.text();
  };
  Conversations talk(conversations());
  up();
  talk.expect_going_on("after");
  EXPECT_EQ(h1.plan().status, 0) << h1.plan().text();
  expect_as_fresh([] {}, up);
}

}  // namespace
}  // namespace novaplane::netns
