#include "hwgw/prober/prober.h"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "dataplane/netlink/frames.h"

namespace novaplane::hwgw {
namespace {

struct EchoFrame {
  ether_header ethernet;
  iphdr ip;
  icmphdr icmp;
  std::uint8_t data[8];
} __attribute__((packed));
static_assert(sizeof(EchoFrame) == 50);

/// What our echo requests bear; answers to others' are not ours.
std::uint16_t echo_id() { return static_cast<std::uint16_t>(::getpid()); }

/// In network order.
std::uint16_t checksum_of(const void* data, std::size_t size) {
  return htons(netlink::checksum(netlink::sum_of({static_cast<const char*>(data), size})));
}

void put(std::uint8_t* to, const IpAddress& address) {
  const auto bytes = address.bytes();
  std::copy(bytes.begin(), bytes.end(), to);
}

/// ARP that the next hop sends, and echo replies to us. Frames of a VLAN on the link bear a tag and
/// are none of ours.
Result<void> filter(int socket, const IpAddress& next_hop) {
  constexpr std::uint32_t kVlanTag = SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT;
  constexpr std::uint32_t kType = 12, kArpSender = 28;                     // from the frame's start
  constexpr std::uint32_t kIpProtocol = 23, kIcmpType = 34, kIcmpId = 38;  // without IP options
  std::array<sock_filter, 15> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kVlanTag),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 12),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kType),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_ARP, 0, 2),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kArpSender),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, next_hop.v4_value(), 7, 8),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 7),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kIpProtocol),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_ICMP, 0, 5),
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, kIcmpType),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_ECHOREPLY, 0, 3),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, kIcmpId),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, echo_id(), 0, 1),
      BPF_STMT(BPF_RET | BPF_K, sizeof(EchoFrame)),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog attached{static_cast<unsigned short>(program.size()), program.data()};
  if (setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &attached, sizeof(attached)) == 0) return {};
  return failure("filter probes' answers", errno);
}

sockaddr_ll address_of(int link, std::uint16_t protocol) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(protocol);
  address.sll_ifindex = link;
  return address;
}

/// Binds to the link, and tells its MAC. Before it is bound the socket hears nothing.
Result<Mac> bind_to(int socket, int link, std::uint16_t protocol) {
  sockaddr_ll address = address_of(link, protocol);
  if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return failure("listen for probes' answers", errno);
  }
  socklen_t size = sizeof(address);
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return failure("ask for the link's MAC", errno);
  }
  if (address.sll_hatype != ARPHRD_ETHER || address.sll_halen != 6) {
    return failure("probe", EPROTOTYPE, "not an Ethernet link");
  }
  Mac mac;
  std::copy_n(address.sll_addr, mac.bytes.size(), mac.bytes.begin());
  return mac;
}

}  // namespace

Result<Prober> Prober::open(int link, const Options& options) {
  Fd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return failure("open a packet socket", errno);
  if (auto filtered = filter(fd.get(), options.next_hop); !filtered) {
    return tl::unexpected(filtered.error());
  }
  const int yes = 1;  // a kernel that cannot shows us our own, which the filter drops
  setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes));
  const bool all = options.all_protocols || options.hears_echo;
  const auto mac = bind_to(fd.get(), link, all ? ETH_P_ALL : ETH_P_ARP);
  if (!mac) return tl::unexpected(mac.error());
  return Prober(std::move(fd), link, *mac, options.next_hop);
}

Result<void> Prober::send(const void* frame, std::size_t size, std::uint16_t protocol) const {
  const sockaddr_ll to = address_of(link_, protocol);
  const auto* target = reinterpret_cast<const sockaddr*>(&to);
  if (sendto(fd_.get(), frame, size, 0, target, sizeof(to)) >= 0) return {};
  return failure(fmt::format("probe {}", next_hop_), errno);
}

Result<void> Prober::ask(const IpAddress& sender, const std::optional<Mac>& to) const {
  netlink::ArpFrame frame{};
  std::fill(std::begin(frame.ethernet.ether_dhost), std::end(frame.ethernet.ether_dhost), 0xff);
  if (to) std::copy(to->bytes.begin(), to->bytes.end(), frame.ethernet.ether_dhost);
  std::copy(mac_.bytes.begin(), mac_.bytes.end(), frame.ethernet.ether_shost);
  frame.ethernet.ether_type = htons(ETHERTYPE_ARP);
  frame.arp = {htons(ARPHRD_ETHER), htons(ETHERTYPE_IP), 6, 4, htons(ARPOP_REQUEST)};
  std::copy(mac_.bytes.begin(), mac_.bytes.end(), frame.sender_mac);
  put(frame.sender_address, sender);
  put(frame.target_address, next_hop_);
  return send(&frame, sizeof(frame), ETHERTYPE_ARP);
}

Result<void> Prober::echo(const IpAddress& target, const IpAddress& source, const Mac& via) const {
  EchoFrame frame{};
  std::copy(via.bytes.begin(), via.bytes.end(), frame.ethernet.ether_dhost);
  std::copy(mac_.bytes.begin(), mac_.bytes.end(), frame.ethernet.ether_shost);
  frame.ethernet.ether_type = htons(ETHERTYPE_IP);
  frame.ip.version = 4;
  frame.ip.ihl = sizeof(iphdr) / 4;
  frame.ip.tot_len = htons(sizeof(frame) - sizeof(ether_header));
  frame.ip.frag_off = htons(IP_DF);
  frame.ip.ttl = IPDEFTTL;
  frame.ip.protocol = IPPROTO_ICMP;
  frame.ip.saddr = htonl(source.v4_value());
  frame.ip.daddr = htonl(target.v4_value());
  frame.ip.check = checksum_of(&frame.ip, sizeof(frame.ip));
  frame.icmp.type = ICMP_ECHO;
  frame.icmp.un.echo.id = htons(echo_id());
  frame.icmp.checksum = checksum_of(&frame.icmp, sizeof(frame.icmp) + sizeof(frame.data));
  return send(&frame, sizeof(frame), ETHERTYPE_IP);
}

Result<std::optional<Prober::Answer>> Prober::receive() const {
  std::array<std::uint8_t, 128> buffer;
  const ssize_t got = recv(fd_.get(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (got < 0) return failure("receive probes' answers", errno);
  if (static_cast<std::size_t>(got) < sizeof(netlink::ArpFrame)) return std::nullopt;
  ether_header ethernet;
  std::memcpy(&ethernet, buffer.data(), sizeof(ethernet));
  Answer answer;
  std::copy(std::begin(ethernet.ether_shost), std::end(ethernet.ether_shost),
            answer.mac.bytes.begin());
  constexpr std::size_t kArpOperation = 20, kArpSenderMac = 22, kArpSender = 28, kIpSource = 26;
  const bool is_arp = ethernet.ether_type == htons(ETHERTYPE_ARP);
  if (is_arp) std::copy_n(buffer.data() + kArpSenderMac, 6, answer.mac.bytes.begin());
  answer.kind = !is_arp ? Answer::Kind::echo
                : buffer[kArpOperation] == 0 && buffer[kArpOperation + 1] == ARPOP_REPLY
                    ? Answer::Kind::arp
                    : Answer::Kind::said;
  answer.from = *IpAddress::from_bytes({buffer.data() + (is_arp ? kArpSender : kIpSource), 4});
  return answer;
}

}  // namespace novaplane::hwgw
