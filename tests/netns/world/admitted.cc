#include "tests/netns/world/admitted.h"

#include <regex>

#include <fmt/format.h>

#include "tests/netns/world/frames.h"

namespace novaplane::netns {
namespace {

constexpr std::uint16_t kSourcePort = 40000;

std::string name_of(const std::string& protocol) {
  if (protocol == "6") return "tcp";
  return protocol == "17" ? "udp" : protocol;
}

}  // namespace

Admitted::Admitted(const Host& host) : host_(host) {
  host.nft(
      "table inet witness { set admitted { type ipv4_addr . ipv4_addr . inet_proto . inet_service; "
      "flags dynamic; size 65536; }; set admitted6 { type ipv6_addr . ipv6_addr . inet_proto . "
      "inet_service; flags dynamic; size 65536; }; chain c { type filter hook input priority 1000; "
      "iifname != lo meta l4proto { tcp, udp } jump seen; }; chain seen { "
      "add @admitted { ip saddr . ip daddr . meta l4proto . th dport }; "
      "add @admitted6 { ip6 saddr . ip6 daddr . meta l4proto . th dport }; }; }");
}

Admitted::~Admitted() { host_.nft("delete table inet witness"); }

std::vector<std::string> Admitted::packets() const {
  const std::string text = host_.nft_list("-n list set inet witness admitted") +
                           host_.nft_list("-n list set inet witness admitted6");
  const std::regex element(R"(([0-9a-f.:]+) \. ([0-9a-f.:]+) \. (\w+) \. (\d+))");
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), element), end; it != end; ++it)
    found.push_back(fmt::format("{} to {} {} {}", (*it)[1].str(), (*it)[2].str(),
                                name_of((*it)[3].str()), (*it)[4].str()));
  return found;
}

void knock(const Vm& guest, const Knock& at) {
  for (const auto& from : at.sources) {
    for (const auto& to : at.addresses) {
      const bool ipv6 = to.find(':') != std::string::npos;
      if (ipv6 != (from.find(':') != std::string::npos)) continue;
      for (const std::uint16_t port : at.ports) {
        for (const auto& mac : at.macs) {
          const raw::Ends ends{from, to};
          const auto send = [&](const std::string& packet) {
            raw::send(guest,
                      raw::ethernet(mac, guest.mac(), ipv6 ? raw::kIpv6 : raw::kIpv4, packet));
          };
          send(raw::udp(ends, kSourcePort, port, "knock\n"));
          if (at.tcp) send(raw::syn(ends, kSourcePort, port));
        }
      }
    }
  }
}

}  // namespace novaplane::netns
