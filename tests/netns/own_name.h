#pragma once

#include <linux/if_ether.h>
#include <netinet/in.h>

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "dataplane/base/address.h"
#include "tests/netns/world/frames.h"

namespace novaplane::netns {

/// What a guest may send, said in the test's own words: of a frame that has arrived somewhere, what
/// in it is forged.
class OwnName {
 public:
  struct Allowed {
    std::set<std::string> macs;        ///< as bytes
    std::set<std::string> addresses4;  ///< likewise: its own, and its pairs
    Prefix range4;                     ///< of a pair
    std::set<std::string> addresses6;
    std::vector<Prefix> choices;    ///< where it may choose IPv6 addresses,
    std::set<std::string> others6;  ///< but not these
  };
  explicit OwnName(Allowed allowed) : allowed_(std::move(allowed)) {}

  bool is_own_mac(std::string_view bytes) const {
    return allowed_.macs.contains(std::string(bytes));
  }

  /// Nothing: it is the guest's own.
  std::optional<std::string> forgery(std::string_view frame) const {
    if (!is_own_mac(frame.substr(6, 6))) return "source MAC";
    const std::string_view packet = frame.substr(ETH_HLEN);
    switch (number(frame, 12, 2)) {
      case ETH_P_IP:
        return forgery4(packet);
      case ETH_P_ARP:
        return forgery_arp(packet);
      case ETH_P_IPV6:
        return forgery6(packet);
      case ETH_P_RARP:
        return {};
      default:
        return "EtherType";
    }
  }

 private:
  using Forgery = std::optional<std::string>;

  /// 0 where the frame has ended.
  static std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t size) {
    if (at + size > bytes.size()) return 0;
    std::uint64_t value = 0;
    for (const char byte : bytes.substr(at, size))
      value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  static std::string part(std::string_view bytes, std::size_t at, std::size_t size) {
    return at + size > bytes.size() ? std::string() : std::string(bytes.substr(at, size));
  }
  static IpAddress address(const std::string& bytes) {
    return bytes.size() == 4 ? IpAddress::v4(static_cast<std::uint32_t>(number(bytes, 0, 4)))
                             : IpAddress::parse(to_text6(bytes)).value();
  }
  static std::string to_text6(std::string_view bytes) {
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 2) {
      text += fmt::format("{}{:x}", at == 0 ? "" : ":", number(bytes, at, 2));
    }
    return text;
  }

  bool may_have4(const std::string& bytes) const {
    return allowed_.addresses4.contains(bytes) ||
           (bytes.size() == 4 && allowed_.range4.contains(address(bytes)));
  }
  /// The second half of an address that is made of a MAC has ff:fe in its middle (RFC 4291).
  bool may_have6(const std::string& bytes) const {
    if (allowed_.addresses6.contains(bytes)) return true;
    if (bytes.size() != 16 || allowed_.others6.contains(bytes)) return false;
    return number(bytes, 11, 2) != 0xfffe &&
           std::ranges::any_of(allowed_.choices,
                               [&](const Prefix& range) { return range.contains(address(bytes)); });
  }

  Forgery forgery_arp(std::string_view packet) const {
    if (part(packet, 0, 6) != std::string("\0\1\x08\0\6\4", 6)) return "ARP lengths";
    if (!is_own_mac(part(packet, 8, 6))) return "ARP sender MAC";
    const std::string sender = part(packet, 14, 4);
    const bool is_probe = sender == std::string(4, '\0') && number(packet, 6, 2) == 1;
    if (!may_have4(sender) && !is_probe) return "ARP sender";
    return {};
  }

  Forgery forgery4(std::string_view packet) const {
    const std::size_t header = 4 * (number(packet, 0, 1) & 0xf);
    const auto protocol = number(packet, 9, 1);
    const bool is_first = (number(packet, 6, 2) & 0x1fff) == 0;
    const std::string source = part(packet, 12, 4);
    const auto source_port = number(packet, header, 2), port = number(packet, header + 2, 2);
    const bool is_udp = protocol == IPPROTO_UDP && is_first;
    const bool is_nobody = source == std::string(4, '\0');
    // In a later fragment too: it is nothing without the first one.
    const bool asks_dhcp = protocol == IPPROTO_UDP && source_port == 68 && port == 67;
    if (!may_have4(source) && !(is_nobody && (asks_dhcp || protocol == IPPROTO_IGMP))) {
      return "IPv4 source";
    }
    if (is_udp && source_port == 67) return "DHCP offer";
    const std::string chaddr = part(packet, header + 8 + 28, 6);
    if (is_udp && port == 67 && !chaddr.empty() && !is_own_mac(chaddr)) return "DHCP chaddr";
    if (protocol == IPPROTO_IGMP && is_first && number(packet, header, 1) == 0x11)
      return "IGMP query";
    return {};
  }

  /// Where the headers end (RFC 8200): the protocol, where it begins, and whether that is in
  /// another fragment.
  struct Inside {
    std::uint64_t protocol;
    std::size_t at;
    bool is_elsewhere = false, has_headers = false;
  };
  static Inside inside(std::string_view packet) {
    Inside where{number(packet, 6, 1), 40};
    const auto is_header = [](std::uint64_t protocol) {
      return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_DSTOPTS ||
             protocol == IPPROTO_ROUTING || protocol == IPPROTO_FRAGMENT;
    };
    while (is_header(where.protocol) && where.at + 8 <= packet.size()) {
      where.has_headers = true;
      const auto length = number(packet, where.at + 1, 1);
      std::size_t size = 8 * (length + 1);
      if (where.protocol == IPPROTO_FRAGMENT) {
        size = 8;
        where.is_elsewhere = where.is_elsewhere || (number(packet, where.at + 2, 2) & 0xfff8) != 0;
      }
      where.protocol = number(packet, where.at, 1);
      where.at += size;
      if (where.is_elsewhere) break;
    }
    return where;
  }

  Forgery forgery6(std::string_view packet) const {
    const std::string source = part(packet, 8, 16);
    const Inside where = inside(packet);
    const std::string nobody(16, '\0');
    const auto type = number(packet, where.at, 1);
    const bool is_icmp = where.protocol == IPPROTO_ICMPV6 && !where.is_elsewhere;
    const bool asks =
        is_icmp && source == nobody &&
        (type == 131 || type == 132 || type == 143 || type == 133 || type == 135 || type == 136);
    if (!asks && !may_have6(source)) return "IPv6 source";
    if (where.protocol == IPPROTO_UDP && !where.is_elsewhere &&
        number(packet, where.at, 2) == 547) {
      return "DHCPv6 offer";
    }
    if (!is_icmp) return {};
    if (type == 134 || type == 137) return "router";
    if (type == 130) return "MLD query";
    if (type == 135 || type == 136) return forgery_nd(packet, where, source == nobody);
    return {};
  }

  /// `is_asking`: for its own address, by which it does not speak yet.
  Forgery forgery_nd(std::string_view packet, const Inside& where, bool is_asking) const {
    if (where.has_headers) return "discovery behind headers";
    const bool tells = number(packet, where.at, 1) == 136;
    if ((tells || is_asking) && !may_have6(part(packet, where.at + 8, 16))) return "ND target";
    const std::size_t end = std::min<std::size_t>(packet.size(), 40 + number(packet, 4, 2));
    for (std::size_t at = where.at + 24; at + 8 <= end;) {
      const auto option = number(packet, at, 1), size = 8 * number(packet, at + 1, 1);
      if ((option == 1 || option == 2) && !is_own_mac(part(packet, at + 2, 6))) {
        return "ND link-layer option";
      }
      if (size == 0) break;
      at += size;
    }
    return {};
  }

  Allowed allowed_;
};

}  // namespace novaplane::netns
