#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <deque>
#include <map>
#include <set>
#include <thread>

#include "tests/netns/cloud_test.h"
#include "tests/netns/world/probe.h"

/// Chains and rules come and go with what the document uses (nft/in_use.h). While they do, no
/// packet is lost, let through, or leaves with a guest's own address.
namespace novaplane::netns {
namespace {

/// Numbered datagrams, each of a flow of its own: all rules for a new flow are passed by each.
class NewFlows {
 public:
  NewFlows(const Namespace& from, const std::string& address, int port) : from_(from) {
    to_.sin_family = AF_INET;
    to_.sin_port = htons(static_cast<std::uint16_t>(port));
    inet_pton(AF_INET, address.c_str(), &to_.sin_addr);
    thread_ = std::thread([this] { from_.inside([this] { send_all(); }); });
  }
  ~NewFlows() { stop(); }
  NewFlows(const NewFlows&) = delete;

  /// That many more have been sent.
  bool goes_on(int more = 20) {
    const int before = sent_;
    return eventually([&] { return sent_ >= before + more; });
  }
  /// What is sent from now on is of that time.
  void note(const std::string& name) { times_[sent_] = name; }
  /// Sends no more and waits for what is under way: which were not answered, and of what time.
  std::string lost() {
    stop();
    std::string text;
    for (const int number : missing_)
      text += fmt::format("{} ({}) ", number, std::prev(times_.upper_bound(number))->second);
    return text;
  }
  std::size_t answered() {
    stop();
    return static_cast<std::size_t>(sent_) - missing_.size();
  }

 private:
  static constexpr auto kInterval = 2ms;
  static constexpr std::size_t kOpen = 500;  ///< sockets that wait for an answer

  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

  void send_all() {
    for (auto next = Clock::now(); !stop_; next = std::max(next + kInterval, Clock::now())) {
      std::this_thread::sleep_until(next);  // the interval of the datagrams
      send_one();
      take_answers();
    }
    eventually([&] { return take_answers(), open_.empty(); }, 1s);
    for (const auto& [number, socket] : open_) missing_.insert(number);
  }

  void send_one() {
    Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const auto* peer = reinterpret_cast<const sockaddr*>(&to_);
    const int number = sent_++;
    if (connect(fd.get(), peer, sizeof to_) != 0 || send(fd.get(), "?", 1, 0) != 1) {
      missing_.insert(number);
      return;
    }
    open_.emplace_back(number, std::move(fd));
    if (open_.size() <= kOpen) return;
    missing_.insert(open_.front().first);
    open_.pop_front();
  }

  void take_answers() {
    char buffer[8];
    std::erase_if(open_, [&](const auto& one) {
      return recv(one.second.get(), buffer, sizeof buffer, 0) > 0;
    });
  }

  const Namespace& from_;
  sockaddr_in to_{};
  std::atomic<bool> stop_ = false;
  std::atomic<int> sent_ = 0;
  std::deque<std::pair<int, Fd>> open_;
  std::set<int> missing_;
  std::map<int, std::string> times_{{0, "first"}};
  std::thread thread_;
};

struct Feature {
  const char* name;
  void (*add)(Document&);
};

void append(std::string& text, const std::string& more) { text += ", " + more; }

const Feature kFeatures[] = {
    {"another floating IP", [](Document& d) { d.floating_ips["203.0.113.13"] = "port: web3"; }},
    {"a floating IP's rate",
     [](Document& d) {
       append(d.floating_ips["203.0.113.10"], "rate: {ingress: 1gbit, egress: 1gbit}");
     }},
    {"a port forward",
     [](Document& d) {
       d.port_forwards["ssh"] =
           "address: 203.0.113.80, protocol: tcp, port: 2222, to_port: web3, to: 22";
     }},
    {"a network with VXLAN",
     [](Document& d) {
       append(d.hosts["h1"], "tunnel_address: 192.0.2.11");
       append(d.hosts["h2"], "tunnel_address: 192.0.2.12");
       d.networks["tenant"] = "cidr: 10.5.0.0/24, gateway: 10.5.0.1, segment: {vxlan: 5001}";
     }},
    {"a network that is routed", [](Document& d) { append(d.networks["green"], "routed: true"); }},
    {"IPv6",
     [](Document& d) {
       append(d.networks["blue"], "cidr6: '2001:db8:1::/64', gateway6: '2001:db8:1::1'");
     }},
    {"a gateway's own MAC",
     [](Document& d) { append(d.networks["green"], "gateway_mac: '02:00:00:00:00:99'"); }},
    {"other metadata",
     [](Document& d) {
       std::string& h1 = d.hosts["h1"];
       h1.replace(h1.find("127.0.0.1:8775"), 14, "192.0.2.99:8775");
     }},
    {"what guests may reach", [](Document& d) { append(d.hosts["h1"], "allow: [tcp/22]"); }},
    {"no_snat", [](Document& d) { d.no_snat = {"198.51.100.0/24"}; }},
    {"force_snat", [](Document& d) { d.force_snat = {"198.18.0.0/15"}; }},
};

class FeatureEditsTest : public BothWaysTest {
 protected:
  FeatureEditsTest() {
    document.networks["green"] =
        "cidr: 10.1.0.0/24, gateway: 10.1.0.1, interface: eth2, dhcp: {enabled: false}";
    document.floating_ips["203.0.113.10"] = "port: web1";
  }
  Vm& web1 = world.vm("web1", h1, "blue", "10.0.0.11");
  Vm& web2 = world.vm("web2", h1, "blue", "10.0.0.12");
  Vm& web3 = world.vm("web3", h1, "blue", "10.0.0.13");
  Vm& green1 = world.vm("green1", h1, "green", "10.1.0.11");
};
INSTANTIATE_TEST_SUITE_P(, FeatureEditsTest, testing::Bool(), how);

TEST_P(FeatureEditsTest, NoPacketIsLostOrLetThroughWhileFeaturesComeAndGo) {
  world.up();
  for (Vm* vm : {&web1, &web2, &web3, &green1}) vm->configure();
  outside.ip("route add 10.0.0.0/24 via 192.0.2.11");
  const Echo in_web1(web1, 5001), in_web2(web2, 5001), beyond(outside, 5002);
  Capture stolen(web1, "eth0", "udp dst port 4445");
  Capture leaks(outside, "eth0", "src net 10.0.0.0/24 or src net 10.1.0.0/24");

  NewFlows in(outside, "203.0.113.10", 5001), out(web1, "192.0.2.1", 5002),
      snat(web2, "192.0.2.1", 5002), beside(web1, "10.0.0.12", 5001);
  NewFlows from_green(green1, "10.0.0.11", 4445), from_world(outside, "10.0.0.11", 4445);
  const auto all_go_on = [&] {
    for (NewFlows* flows : {&in, &out, &snat, &beside, &from_green, &from_world})
      ASSERT_TRUE(flows->goes_on());
  };
  const Document without = document;
  for (const Feature& feature : kFeatures) {
    SCOPED_TRACE(feature.name);
    for (NewFlows* flows : {&in, &out, &snat, &beside}) flows->note(feature.name);
    all_go_on();
    feature.add(document);
    world.up();
    all_go_on();
    document = without;
    world.up();
    EXPECT_EQ(stolen.text(), "");
    EXPECT_EQ(leaks.text(), "");
  }
  all_go_on();
  EXPECT_EQ(in.lost(), "");
  EXPECT_EQ(out.lost(), "");
  EXPECT_EQ(snat.lost(), "");
  EXPECT_EQ(beside.lost(), "");
  for (NewFlows* flows : {&from_green, &from_world}) EXPECT_EQ(flows->answered(), 0u);
}

}  // namespace
}  // namespace novaplane::netns
