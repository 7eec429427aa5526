#include <gmock/gmock.h>
#include <stdlib.h>

#include <filesystem>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <sstream>

#include "dataplane/cloud/document.h"
#include "dataplane/node/pass.h"
#include "tests/support/netns.h"
#include "tests/unit/node/no_services.h"

/// A process that has lived through many documents does what a fresh one does: what it remembers
/// can be had again from the document, the kernel and the run directory.
namespace novaplane::node {
namespace {

constexpr std::array kTaps{"tap-a", "tap-b", "tap-c", "tap-d"};
constexpr std::array kNics{"eth1", "eth2"};

/// A document at random: which NIC carries which network, which ports are here.
class Edits {
 public:
  explicit Edits(unsigned seed) : random_(seed) {}

  std::string next() {
    for (auto& [tap, network] : ports_) {
      if (chance(3)) network = chance(2) ? "" : chance(2) ? "blue" : "green";
    }
    if (chance(3)) nic_ = one_of(kNics);
    if (chance(3)) has_green_ = !has_green_;
    if (chance(3)) tunnel_ = !tunnel_;
    if (chance(4)) prune_ = !prune_;
    return text();
  }
  bool wants(const std::string& tap) const { return !network_of(tap).empty(); }

 private:
  bool chance(unsigned of) { return random_() % of == 0; }
  template <class All>
  std::string one_of(const All& all) {
    return all[random_() % all.size()];
  }
  std::string network_of(const std::string& tap) const {
    const std::string& network = ports_.at(tap);
    return network == "green" && !has_green_ ? "" : network;
  }
  std::string text() const {
    std::string text = "hosts:\n  h1: {vm_interface: " + nic_ +
                       ", tunnel_address: 192.0.2.11, prune: " + (prune_ ? "true" : "false") +
                       "}\nnetworks:\n"
                       "  blue: {cidr: 10.0.0.0/24, gateway: 10.0.0.1, dhcp: {enabled: false}}\n";
    if (has_green_) {
      text += "  green: {cidr: 10.1.0.0/24, gateway: 10.1.0.1, dhcp: {enabled: false}, ";
      text += tunnel_ ? "segment: {vxlan: 5001}}\n" : "interface: eth3}\n";
    }
    std::string ports;
    int number = 10;
    for (const auto& [tap, unused] : ports_) {
      const std::string network = network_of(tap), n = std::to_string(++number);
      if (network.empty()) continue;
      ports += "  " + tap + ": {network: " + network + ", host: h1, interface: " + tap +
               ", mac: \"fa:16:3e:00:00:" + n + "\", address: 10." +
               (network == "blue" ? "0" : "1") + ".0." + n + "}\n";
    }
    return ports.empty() ? text : text + "ports:\n" + ports;
  }

  std::mt19937 random_;
  std::map<std::string, std::string> ports_{
      {"tap-a", "blue"}, {"tap-b", ""}, {"tap-c", "blue"}, {"tap-d", ""}};
  std::string nic_ = "eth1";
  bool has_green_ = false, tunnel_ = false, prune_ = false;
};

class OldAndFreshTest : public ::testing::TestWithParam<unsigned> {
 protected:
  OldAndFreshTest() {
    shell("ip link set lo up");
    for (const std::string link : {"eth0", "eth1", "eth2", "eth3"}) {
      shell("ip link add " + link + " type veth peer name p" + link + "; ip link set " + link +
            " up; ip link set p" + link + " up");
    }
    for (const std::string tap : kTaps)
      shell("ip link add " + tap + " type veth peer name p" + tap);
    shell(
        "ip address add 192.0.2.11/24 dev eth0; ip address add 198.18.5.1/24 dev eth1;"
        "ip address add 2001:db8:5::1/64 dev eth1 nodad");
    old_ = Node::open("h1", folder_).value();
    executor_.emplace(engine::Executor::open(folder_).value());
    EXPECT_TRUE(old_->observe());
  }
  ~OldAndFreshTest() override { std::filesystem::remove_all(folder_); }

  static std::string make_folder() {
    std::string name = "/tmp/np-old-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    return name;
  }
  static cloud::Cloud parse(const std::string& text) {
    std::istringstream stream(text);
    auto cloud = cloud::parse(stream, "cloud.yaml");
    EXPECT_TRUE(cloud) << cloud.error().front().message() << "\n" << text;
    return *cloud;
  }
  static std::vector<std::string> words(Node& node) {
    std::vector<std::string> lines;
    for (const engine::Step& step : node.plan(engine::Clock::time_point::max())) {
      if (step.phase == engine::Phase::announce)
        continue;  // an act: `converge` leaves it to others
      lines.push_back(step.what(node.engine().ruleset()) + " (" + step.why() + ")");
    }
    return lines;
  }
  /// What counts as attached by us, and where NICs' things are.
  static std::set<std::string> ports_of(const Node& node) {
    std::set<std::string> ports;
    const engine::Tables& tables = const_cast<Node&>(node).engine().tables();
    tables.attachments.rows().for_each([&](const auto& port, auto*, const auto* seen) {
      if (seen) ports.insert(port + " of " + seen->master);
    });
    tables.nic_migrations.rows().for_each([&](const auto& nic, auto*, const auto* seen) {
      if (seen) ports.insert(nic + " carries on " + seen->holder);
    });
    return ports;
  }
  void expect_same(const std::string& document, const std::string& when) {
    ASSERT_TRUE(old_->process_events());
    auto fresh = Node::open("h1", folder_).value();
    fresh->engine().load(parse(document));
    ASSERT_TRUE(fresh->observe());
    EXPECT_THAT(words(*old_), ::testing::IsEmpty()) << when << ", the old one\n" << document;
    EXPECT_THAT(words(*fresh), ::testing::IsEmpty()) << when << ", a fresh one\n" << document;
    EXPECT_EQ(ports_of(*old_), ports_of(*fresh)) << when << "\n" << document;
  }

  test::NetworkNamespace netns_;
  const std::string folder_ = make_folder();
  std::unique_ptr<Node> old_;
  std::optional<engine::Executor> executor_;
  NoServices services_;
};

TEST_P(OldAndFreshTest, DoTheSameAfterManyEdits) {
  Edits edits(GetParam());
  for (int step = 0; step < 30 && !HasFailure(); ++step) {
    const std::string document = edits.next(), when = "step " + std::to_string(step);
    old_->engine().load(parse(document));
    ASSERT_TRUE(old_->process_events());
    const auto outcome = converge(*old_, *executor_, services_, {});
    ASSERT_TRUE(outcome) << outcome.error().message();
    ASSERT_TRUE(outcome->failures.empty()) << when << "\n"
                                           << document << outcome->failures.front().reason;
    expect_same(document, when);
    // The tunnel's address goes and comes back.
    shell("ip address del 192.0.2.11/24 dev eth0");
    expect_same(document, when + ", without the tunnel's address");
    shell("ip address add 192.0.2.11/24 dev eth0");
    expect_same(document, when + ", with the tunnel's address again");
    // What was a guest's port once is somebody else's now.
    for (const std::string tap : kTaps) {
      if (!edits.wants(tap)) shell("ip link set " + tap + " master br-blue 2> /dev/null || true");
    }
    expect_same(document, when + ", with ports of a hypervisor's");
    for (const std::string tap : kTaps) {
      if (!edits.wants(tap)) shell("ip link set " + tap + " nomaster");
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OldAndFreshTest, ::testing::Values(1u, 2u, 3u));

}  // namespace
}  // namespace novaplane::node
