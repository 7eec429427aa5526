#pragma once

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <algorithm>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "tests/netns/world/frames.h"

namespace novaplane::netns {

/// Whose names a hostile guest takes, beside its own.
struct Names {
  std::vector<std::string> macs, addresses4, addresses6;
};

/// Frames that a hostile guest sends, the same ones for the same seed: what kernels and routers
/// say, in random names and with random fields, some of them spoiled afterwards.
class HostileFrames {
 public:
  HostileFrames(unsigned seed, const Names& names) : random_(seed), names_(names) {}

  std::string next() {
    static constexpr std::string (HostileFrames::*kKinds[])() = {
        &HostileFrames::arp,       &HostileFrames::dhcp,     &HostileFrames::udp,
        &HostileFrames::tcp,       &HostileFrames::icmp,     &HostileFrames::igmp,
        &HostileFrames::fragment4, &HostileFrames::options4, &HostileFrames::tunnel4,
        &HostileFrames::neighbour, &HostileFrames::router,   &HostileFrames::icmp6,
        &HostileFrames::headers6,  &HostileFrames::link,     &HostileFrames::noise};
    std::string frame = (this->*kKinds[below(std::size(kKinds))])();
    if (one_in(8)) frame = one_of(raw::encapsulations()).put(frame);
    if (one_in(3)) spoil(frame);
    return frame;
  }

 private:
  static constexpr auto kAll = "ff:ff:ff:ff:ff:ff";

  std::size_t below(std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random_);
  }
  bool one_in(std::size_t many) { return below(many) == 0; }
  template <class T>
  const T& one_of(const std::vector<T>& all) {
    return all.at(below(all.size()));
  }
  std::string bytes(std::size_t count) {
    std::string out(count, '\0');
    for (char& byte : out) byte = static_cast<char>(below(256));
    return out;
  }
  std::uint8_t byte() { return static_cast<std::uint8_t>(below(256)); }
  /// The first name of each kind is the guest's own: without it nothing of a frame's other fields
  /// would be looked at.
  const std::string& mac() { return one_in(2) ? names_.macs.front() : one_of(names_.macs); }
  const std::string& ip4() {
    return one_in(2) ? names_.addresses4.front() : one_of(names_.addresses4);
  }
  const std::string& ip6() {
    return one_in(2) ? names_.addresses6.front() : one_of(names_.addresses6);
  }
  std::string any_mac() { return one_in(3) ? kAll : one_of(names_.macs); }
  raw::Ends ends4() { return {ip4(), one_of(names_.addresses4)}; }
  raw::Ends ends6() { return {ip6(), one_of(names_.addresses6)}; }
  raw::Ends ends() { return one_in(2) ? ends4() : ends6(); }
  std::uint16_t port() {
    static const std::vector<std::uint16_t> kKnown{53, 67, 68, 80, 123, 546, 547, 3780, 4789, 8775};
    return one_in(3) ? static_cast<std::uint16_t>(below(65536)) : one_of(kKnown);
  }
  std::string frame(std::uint16_t type, const std::string& packet) {
    return raw::ethernet(any_mac(), mac(), type, packet);
  }
  /// The family stands in the first byte.
  std::string frame(const std::string& packet) {
    return frame((packet[0] & 0xf0) == 0x60 ? raw::kIpv6 : raw::kIpv4, packet);
  }

  std::string arp() {
    const auto operation = static_cast<std::uint16_t>(1 + below(4));
    return frame(raw::kArp,
                 raw::arp(operation, mac(), ip4(), any_mac(), one_of(names_.addresses4)));
  }
  /// Questions and answers of both families (RFC 2131, RFC 8415).
  std::string dhcp() {
    if (one_in(3)) {
      const bool answers = one_in(2);
      return frame(raw::udp(ends6(), answers ? 547 : 546, answers ? 546 : 547, bytes(40)));
    }
    constexpr std::size_t kRest = 202;
    const bool answers = one_in(2);
    const std::string message = raw::big(answers ? 2 : 1, 1) + raw::big(0x010600, 3) + bytes(4) +
                                raw::big(0, 4) + raw::address(ip4()) + raw::address(ip4()) +
                                raw::big(0, 8) + raw::mac(mac()) + std::string(kRest, '\0') +
                                raw::big(0x63825363, 4) + raw::big(0x3501, 2) +
                                raw::big(1 + below(8), 1) + raw::big(0xff, 1);
    return frame(raw::udp(ends4(), answers ? 67 : 68, answers ? 68 : 67, message));
  }
  std::string udp() { return frame(raw::udp(ends(), port(), port(), bytes(below(64)))); }
  std::string tcp() {
    const raw::Ends both = ends();
    return frame(raw::segment({both.from, both.to, port(), port(), byte(), 1, 1}));
  }
  std::string icmp() { return frame(raw::icmp(ends4(), byte() % 20, byte() % 4, bytes(36))); }
  std::string igmp() {
    static const std::vector<std::uint8_t> kTypes{0x11, 0x12, 0x16, 0x17, 0x22};
    return frame(raw::ip(ends4(), IPPROTO_IGMP,
                         raw::big(one_of(kTypes), 1) + raw::big(0, 3) + raw::address(ip4())));
  }
  std::string fragment4() {
    const raw::Ends both = ends4();
    const std::string whole = raw::datagram(both, port(), port(), bytes(64));
    const std::size_t at = 8 * below(4);
    return frame(raw::fragment(both, std::string_view(whole).substr(at, 8 * below(4)),
                               static_cast<std::uint16_t>(at), one_in(2)));
  }
  /// Options put the ports elsewhere (RFC 791, 3.1).
  std::string options4() {
    constexpr std::size_t kHeader = 20, kLength = 2;
    std::string packet = raw::udp(ends4(), port(), port(), bytes(16));
    const std::size_t words = 1 + below(10);
    std::string options;
    for (std::size_t i = 0; i < 4 * words; ++i) options += one_in(4) ? bytes(1) : "\1";
    packet.insert(kHeader, options);
    packet[0] = static_cast<char>(0x45 + words);
    packet.replace(kLength, 2, raw::big(packet.size(), 2));
    return frame(packet);
  }
  /// A packet in another's name inside of one in the guest's.
  std::string tunnel4() {
    static const std::vector<std::uint8_t> kTunnels{IPPROTO_IPIP, IPPROTO_IPV6, IPPROTO_GRE, 112};
    if (one_in(2)) return frame(raw::udp(ends4(), port(), 4789, raw::vxlan(1, arp())));
    return frame(raw::ip(ends4(), one_of(kTunnels), raw::udp(ends(), port(), port(), bytes(8))));
  }
  std::string nd_options() {
    std::string options;
    for (std::size_t i = below(4); i > 0; --i) {
      options += one_in(4) ? raw::big(14, 1) + raw::big(1, 1) + bytes(6)
                           : raw::nd_option(static_cast<std::uint8_t>(1 + below(2)), mac());
    }
    return options;
  }
  /// Discovery, behind headers and in fragments too.
  std::string neighbour() {
    const raw::Ends both = ends6();
    const auto type = static_cast<std::uint8_t>(135 + below(2));
    return hidden(
        both, raw::icmpv6_message(both, type, raw::big(0, 4) + raw::address(ip6()) + nd_options()));
  }
  std::string router() {
    const raw::Ends both = ends6();
    static const std::vector<std::uint8_t> kTypes{130, 133, 134, 137};
    const std::uint8_t type = one_of(kTypes);
    const std::string body = type == 134   ? raw::big(0x4000070800000000, 8) + raw::big(0, 4)
                             : type == 133 ? raw::big(0, 4)
                                           : raw::big(0, 4) + raw::address(ip6());
    return hidden(both, raw::icmpv6_message(both, type, body + nd_options()));
  }
  std::string icmp6() {
    const raw::Ends both = ends6();
    return hidden(both, raw::icmpv6_message(both, byte(), bytes(24)));
  }
  std::string headers6() {
    const raw::Ends both = ends6();
    if (one_in(2)) return hidden(both, raw::datagram(both, port(), port(), bytes(16)), IPPROTO_UDP);
    return hidden(both, bytes(24), byte());
  }
  /// Behind up to three extension headers; some of them say that it is a fragment.
  std::string hidden(const raw::Ends& both, std::string message,
                     std::uint8_t protocol = IPPROTO_ICMPV6) {
    static const std::vector<std::uint8_t> kHeaders{IPPROTO_HOPOPTS, IPPROTO_DSTOPTS,
                                                    IPPROTO_ROUTING, IPPROTO_FRAGMENT, IPPROTO_AH};
    for (std::size_t i = one_in(2) ? 0 : below(4); i > 0; --i) {
      const std::uint8_t header = one_of(kHeaders);
      const std::uint64_t where = one_in(2) ? 0 : 8 * below(8) + below(2);
      message =
          header == IPPROTO_FRAGMENT
              ? raw::big(protocol, 1) + raw::big(0, 1) + raw::big(where, 2) + bytes(4) + message
              : raw::options6(protocol, static_cast<int>(8 * (1 + below(3)))) + message;
      protocol = header;
    }
    return frame(raw::ip(both, protocol, message));
  }
  std::string link() {
    switch (below(4)) {
      case 0:
        return raw::bpdu(mac());
      case 1:
        return raw::ethernet("01:80:c2:00:00:0e", mac(), ETH_P_LLDP, bytes(46));
      case 2:
        return frame(ETH_P_RARP, raw::arp(3, mac(), ip4(), mac(), ip4()));
      default:
        return frame(static_cast<std::uint16_t>(below(65536)), bytes(46));
    }
  }
  std::string noise() { return raw::mac(any_mac()) + raw::mac(mac()) + bytes(4 + below(100)); }

  /// Some bytes are others, or it ends early.
  void spoil(std::string& frame) {
    constexpr std::size_t kHeader = 14;
    if (one_in(6)) frame.resize(kHeader + below(frame.size() - kHeader));
    for (std::size_t i = 1 + below(4); i > 0; --i) {
      frame[below(frame.size())] = static_cast<char>(byte());
    }
  }

  std::mt19937 random_;
  const Names& names_;
};

}  // namespace novaplane::netns
