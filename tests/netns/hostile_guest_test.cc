#include <cstdlib>
#include <iostream>
#include <random>
#include <unordered_set>

#include "tests/netns/guarded_world.h"
#include "tests/netns/hostile_frames.h"
#include "tests/netns/own_name.h"
#include "tests/netns/sender.h"

/// A guest that sends whatever it can: nothing forged arrives anywhere.
namespace novaplane::netns {
namespace {

class HostileGuestTest : public GuardedTest {
 protected:
  HostileGuestTest() { std::cout << "seed " << seed_ << " (NOVAPLANE_SEED)\n"; }

  Names names() const {
    // What br_netfilter translates to it looks as if the guest had said so.
    const std::string uplink = GetParam() ? "192.0.2.12" : "192.0.2.11";
    return {{a.mac(), kVirtual, b.mac(), c.mac(), kGatewayMac, h1.mac("eth1"), kAll,
             "00:00:00:00:00:00", "01:80:c2:00:00:00", kStranger},
            {kA4, kVip, "10.9.1.1", kB4, c.address(), "10.0.0.1", "169.254.169.254", "0.0.0.0",
             "255.255.255.255", "224.0.0.1", "127.0.0.1", "192.0.2.1", uplink, "203.0.113.10"},
            {kA6, link_local(a), kB6, link_local(b), "2001:db8:1::1", "fe80::1", "::", "ff02::1",
             "2001:db8:1::5:5", "fe80::5:5", link_local_of_stranger(), "2001:db8:9::9", "::1"}};
  }
  static std::string link_local_of_stranger() {
    return slaac_address(*Prefix::parse("fe80::/64"), *Mac::parse(kStranger)).to_string();
  }
  OwnName own() const {
    const auto bytes = [](const std::vector<std::string>& all) {
      std::set<std::string> out;
      for (const std::string& one : all) out.insert(raw::address(one));
      return out;
    };
    return OwnName({.macs = {raw::mac(a.mac()), raw::mac(kVirtual)},
                    .addresses4 = bytes({kA4, kVip}),
                    .range4 = *Prefix::parse("10.9.0.0/16"),
                    .addresses6 = bytes({kA6, link_local(a)}),
                    .choices = {*Prefix::parse(kBlue), *Prefix::parse("fe80::/64")},
                    .others6 = bytes({kB6, "2001:db8:1::1", "fe80::1"})});
  }

  /// Where somebody looks at what comes from the guest.
  struct Place {
    std::string name;
    Capture capture;
  };
  std::vector<Place> places() {
    std::vector<Place> all;
    all.push_back({"a neighbour", Capture(b, "eth0", kEverything)});
    all.push_back({"a guest of another host", Capture(c, "eth0", kEverything)});
    all.push_back({"the wire", h1.on_wire(kEverything)});
    all.push_back({"the host", Capture(h1, "br-blue", kEverything)});
    return all;
  }

  /// What was seen, as "what is forged, where", with the last frame of each. What hosts say, and
  /// what they translate, is in their names: of those frames none may be one that the guest has
  /// sent.
  std::map<std::string, std::string> attack(Duration duration, std::size_t most) {
    const OneProcessor in_order;
    const Names all = names();
    const OwnName may = own();
    HostileFrames frames(seed_, all);
    const Sender sender(a);
    std::vector<Place> watched = places();
    std::unordered_set<std::string> forged;
    std::map<std::string, std::string> found;
    const auto judge = [&](const std::string& where, const std::string& frame) {
      const auto forgery = may.forgery(frame);
      const bool is_hosts = !may.is_own_mac(std::string_view(frame).substr(6, 6)) ||
                            (GetParam() && is_translated(frame));
      if (!forgery || (is_hosts && !forged.contains(without_padding(frame)))) return;
      found[*forgery + ", at " + where] = frame;
    };
    const auto end = Clock::now() + duration;
    for (sent_ = 0; Clock::now() < end && sent_ < most;) {
      for (int i = 0; i < kAtOnce; ++i, ++sent_) {
        const std::string frame = frames.next();
        if (may.forgery(frame)) note(frame, forged);
        sender.send(frame);
      }
      expect_all_see(watched, sender);
      for (Place& place : watched) {
        for (const std::string& frame : place.capture.frames()) judge(place.name, frame);
        seen_[place.name] += place.capture.frames().size();
        place.capture.forget();
      }
    }
    return found;
  }
  void print() const {
    std::cout << sent_ << " frames sent";
    for (const auto& [place, count] : seen_) std::cout << ", " << count << " seen at " << place;
    std::cout << "\n";
  }
  static std::string text(const std::map<std::string, std::string>& found) {
    std::string out;
    for (const auto& [what, frame] : found) {
      out += what + ":";
      for (const char byte : frame) out += fmt::format(" {:02x}", static_cast<unsigned char>(byte));
      out += "\n";
    }
    return out;
  }

  static Duration long_or(Duration duration) {
    return std::getenv("NOVAPLANE_LONG") ? Duration(30s) : duration;
  }

  Vm& c = guest("c", h2, "blue", "10.0.0.12", "address6: 2001:db8:1::c");
  std::map<std::string, std::size_t> seen_;
  std::size_t sent_ = 0;

 private:
  static constexpr auto kEverything = "greater 1", kGatewayMac = "0a:6e:0a:00:00:01";
  static constexpr int kAtOnce = 40;  // a socket holds that many

  /// br_netfilter translates what is bridged, too.
  bool is_translated(const std::string& frame) const {
    constexpr std::size_t kSource4 = 26, kSource6 = 22;
    const std::string by4 = raw::address("192.0.2.11"), by6 = raw::address(uplink_of(h1));
    return (frame.size() > kSource4 && frame.compare(kSource4, by4.size(), by4) == 0) ||
           (frame.size() > kSource6 && frame.compare(kSource6, by6.size(), by6) == 0);
  }
  /// As it was sent, and without the tags that kernels take off.
  static void note(std::string frame, std::unordered_set<std::string>& sent) {
    constexpr std::size_t kMacs = 12, kTagBytes = 4;
    for (;;) {
      sent.insert(without_padding(frame));
      const std::string type = frame.substr(kMacs, 2);
      const bool is_tagged =
          type == raw::big(raw::kTag, 2) || type == raw::big(raw::kServiceTag, 2);
      if (!is_tagged || frame.size() < kMacs + kTagBytes + 2) return;
      frame.erase(kMacs, kTagBytes);
    }
  }
  /// What is sent behind them, harmless, arrives everywhere: so would they have.
  void expect_all_see(std::vector<Place>& watched, const Sender& sender) {
    ++questions_;
    const auto about = fmt::format("172.{}.{}.{}", 16 + questions_ / 65536, questions_ / 256 % 256,
                                   questions_ % 256);
    const std::string question =
        raw::ethernet(kAll, a.mac(), raw::kArp, raw::arp(1, a.mac(), kA4, kAll, about));
    sender.send(question);
    for (Place& place : watched) {
      EXPECT_TRUE(eventually([&] {
        const auto& frames = place.capture.frames();
        return std::ranges::find(frames.rbegin(), frames.rend(), question) != frames.rend();
      })) << place.name;
    }
  }
  static unsigned seed() {
    const char* given = std::getenv("NOVAPLANE_SEED");
    return given ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
  }

  unsigned seed_ = seed(), questions_ = 0;
};
INSTANTIATE_TEST_SUITE_P(, HostileGuestTest, testing::Bool(), how);

TEST_P(HostileGuestTest, NothingForgedArrives) {
  up_without_snooping();
  EXPECT_EQ(text(attack(long_or(6s), SIZE_MAX)), "");
  print();
  EXPECT_GT(sent_, 1000u);
  // Nobody was moved: frames for others still go to them, and the host knows nobody by its MAC.
  const std::string entries = h1.run({"bridge", "fdb", "show", "br", "br-blue"}).out;
  for (const std::string& line : lines_of(entries)) {
    if (line.find("dev " + a.tap()) == std::string::npos) continue;
    EXPECT_THAT(line, testing::AnyOf(testing::StartsWith(a.mac()), testing::StartsWith(kVirtual),
                                     HasSubstr("permanent")));
  }
  for (const std::string& line : lines_of(h1.ip("-4 neighbour show dev br-blue"))) {
    if (line.find(a.mac()) == std::string::npos) continue;
    EXPECT_THAT(line, testing::AnyOf(testing::StartsWith(std::string(kA4) + " "),
                                     testing::StartsWith(std::string(kVip) + " "),
                                     testing::StartsWith("10.9.")));
  }
}

/// What the test above would say.
TEST_P(HostileGuestTest, WithoutPortSecurityEachForgeryIsSeen) {
  unguard(a);
  up_without_snooping();
  const std::string found = text(attack(long_or(20s), 20'000));
  print();
  for (const char* forgery :
       {"source MAC", "IPv4 source", "ARP sender", "ARP sender MAC", "ARP lengths", "DHCP offer",
        "DHCP chaddr", "IGMP query", "IPv6 source", "ND target", "ND link-layer option", "router",
        "MLD query", "DHCPv6 offer", "discovery behind headers"}) {
    EXPECT_THAT(found, HasSubstr(std::string(forgery) + ", at a neighbour")) << forgery;
  }
}

}  // namespace
}  // namespace novaplane::netns
