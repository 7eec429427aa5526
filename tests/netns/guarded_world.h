#pragma once

#include <sched.h>

#include <utility>
#include <vector>

#include "tests/netns/ipv6_cloud.h"
#include "tests/netns/world/frames.h"

namespace novaplane::netns {

/// What a guest tries to send, and whether it may. Of several frames all pass, or none.
struct Trial {
  std::string name;
  std::vector<std::string> frames;
  bool passes;
};

/// While it lives, what is sent one after the other arrives so: each processor has a queue.
class OneProcessor {
 public:
  OneProcessor() {
    sched_getaffinity(0, sizeof before_, &before_);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
  }
  ~OneProcessor() { sched_setaffinity(0, sizeof before_, &before_); }
  OneProcessor(const OneProcessor&) = delete;

 private:
  cpu_set_t before_;
};

/// A bridge that looks into IP takes it off.
inline std::string without_padding(std::string frame) {
  frame.erase(frame.find_last_not_of('\0') + 1);
  return frame;
}

/// Frames that leave a guest, seen somewhere else. Behind each of them something harmless goes the
/// same way: when that has arrived, what has not will not.
class Trials {
 public:
  Trials(const Vm& from, const Namespace& to, const std::string& link = "eth0")
      : from_(from), arrives_(to, link, "greater 1") {}

  bool passes(const std::string& frame) {
    const OneProcessor in_order;
    arrives_.forget();
    raw::send(from_, frame);
    const std::string last = harmless();
    raw::send(from_, last);
    const auto arrived = [&] { return std::ranges::count(arrives_.frames(), last) != 0; };
    EXPECT_TRUE(eventually(arrived)) << "nothing arrives";
    return has_passed(frame);
  }
  void expect(const std::vector<Trial>& trials) {
    for (const Trial& trial : trials) {
      for (const std::string& frame : trial.frames) {
        EXPECT_EQ(passes(frame), trial.passes) << from_.name() << ": " << trial.name;
      }
    }
  }

 private:
  static constexpr std::size_t kMacs = 12;
  static constexpr auto kEverybody = "ff:ff:ff:ff:ff:ff";

  /// Everybody may ask who has an address.
  std::string harmless() {
    ++sent_;
    const std::string address = fmt::format("172.31.{}.{}", sent_ / 256, sent_ % 256);
    return raw::ethernet(kEverybody, from_.mac(), raw::kArp,
                         raw::arp(1, from_.mac(), from_.address(), kEverybody, address));
  }
  /// A tag in front is taken off on the way to us.
  bool has_passed(const std::string& frame) {
    constexpr std::size_t kTag = 4;
    const std::string inside = without_padding(frame.substr(kMacs + kTag));
    return std::ranges::any_of(arrives_.frames(), [&](const std::string& seen) {
      return seen.compare(0, kMacs, frame, 0, kMacs) == 0 &&
             without_padding(seen).ends_with(inside);
    });
  }

  const Vm& from_;
  Capture arrives_;
  int sent_ = 0;
};

/// Guests a and b beside each other on h1. They have neither addresses nor IPv6 of their own, so
/// that they say nothing but what the test sends.
class GuardedTest : public Ipv6Cloud {
 protected:
  static constexpr auto kAll = "ff:ff:ff:ff:ff:ff", kVirtual = "00:00:5e:00:01:07",
                        kStranger = "02:00:00:00:00:77";
  static constexpr auto kA4 = "10.0.0.10", kB4 = "10.0.0.11", kVip = "10.0.0.100";
  static constexpr auto kA6 = "2001:db8:1::a", kB6 = "2001:db8:1::b";

  static std::string link_local(const Vm& vm) { return slaac(vm, "fe80::/64"); }
  std::string from_a(std::uint16_t type, const std::string& packet) const {
    return raw::ethernet(b.mac(), a.mac(), type, packet);
  }
  std::string from_a4(const std::string& packet) const { return from_a(raw::kIpv4, packet); }
  std::string from_a6(const std::string& packet) const { return from_a(raw::kIpv6, packet); }
  std::string to_all6(const std::string& packet) const {
    return raw::ethernet("33:33:00:00:00:01", a.mac(), raw::kIpv6, packet);
  }
  std::string arp(std::uint16_t operation, const std::string& mac, const std::string& address,
                  const std::string& of = {}) const {
    return raw::ethernet(b.mac(), of.empty() ? a.mac() : of, raw::kArp,
                         raw::arp(operation, mac, address, b.mac(), kB4));
  }

  void describe(const Vm& vm, const std::string& more) {
    document.ports[vm.name()] =
        fmt::format("network: blue, host: h1, mac: {}, address: {}, interface: {}, {}", vm.mac(),
                    vm.address(), vm.tap(), more);
  }
  /// Brings the host up. Its bridge sends what listeners say to all.
  void up_without_snooping() {
    world.up();
    h1.ip("link set br-blue type bridge mcast_snooping 0");
  }
  void unguard(const Vm& vm) { describe(vm, "port_security: false"); }

  Vm& a = guest("a", h1, "blue", kA4,
                "address6: 2001:db8:1::a, allowed_pairs: [{address: 10.0.0.100}, {address: "
                "10.0.0.100, mac: \"00:00:5e:00:01:07\"}, {address: 10.9.0.0/16}]");
  Vm& b = guest("b", h1, "blue", kB4, "address6: 2001:db8:1::b");
};

}  // namespace novaplane::netns
