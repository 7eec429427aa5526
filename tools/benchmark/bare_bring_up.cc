#include "tools/benchmark/bare_bring_up.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

namespace novaplane::bench {
namespace {

constexpr std::uint8_t kProtocol = 110;
constexpr std::uint32_t kGroup = 0x6e70;
constexpr std::size_t kPerSend = 100;  // beyond it nothing more is gained

void write_sysctl(const std::string& path, std::string_view value) {
  const Fd file(::open(("/proc/sys/" + path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), value.data(), value.size()) < 0) give_up(path);
}

bool reads_one(const std::string& path) {
  const Fd file(::open(("/proc/sys/" + path).c_str(), O_RDONLY | O_CLOEXEC));
  char value = 0;
  return file && ::read(file.get(), &value, 1) == 1 && value == '1';
}

void raise(nlmsghdr* link) {
  auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_get_payload(link));
  header->ifi_change = header->ifi_flags = IFF_UP;
}

Ipv4 in_network_order(const std::string& address) { return inet_addr(address.c_str()); }

std::string bridge(unsigned network) { return "br-" + test::LargeCloud::network(network); }

}  // namespace

BareBringUp::BareBringUp(const Site& site, const test::LargeCloud& cloud,
                         std::vector<char> transaction)
    : nftables_(site, std::move(transaction)),
      rtnetlink_(site, NETLINK_ROUTE),
      cloud_(cloud),
      buffer_(64 * 1024) {}

void BareBringUp::run() {
  nftables_.send();
  write_sysctls();
  create_bridges();
  attach_ports();
  raise_bridges();
  add_addresses();
  add_routes();
}

void BareBringUp::write_sysctls() { write_sysctl("net/ipv4/ip_forward", "1"); }

nlmsghdr* BareBringUp::link(std::uint16_t flags) {
  return route_header(RTM_NEWLINK, flags, sizeof(ifinfomsg));
}

nlmsghdr* BareBringUp::route_header(std::uint16_t type, std::uint16_t flags, std::size_t size) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data() + used_);
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  mnl_nlmsg_put_extra_header(header, size);
  return header;
}

void BareBringUp::add(nlmsghdr* message) {
  last_ = message;
  used_ += message->nlmsg_len;
  if (++count_ == kPerSend) flush();
}

void BareBringUp::flush() {
  if (count_ == 0) return;
  last_->nlmsg_flags |= NLM_F_ACK;
  rtnetlink_.send(buffer_.data(), used_);
  used_ = count_ = 0;
}

void BareBringUp::create_bridges() {
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    nlmsghdr* message = link(NLM_F_CREATE | NLM_F_EXCL);
    const std::uint8_t mac[6] = {0x0a, 0x6f, 0, 0, 0, static_cast<std::uint8_t>(i)};
    mnl_attr_put_strz(message, IFLA_IFNAME, bridge(i).c_str());
    mnl_attr_put(message, IFLA_ADDRESS, sizeof(mac), mac);
    mnl_attr_put_u32(message, IFLA_GROUP, kGroup);
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_KIND, "bridge");
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_DATA);
    mnl_attr_put_u32(message, IFLA_BR_STP_STATE, 0);
    mnl_attr_put_u32(message, IFLA_BR_FORWARD_DELAY, 0);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    add(message);
  }
  flush();
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    write_sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", bridge(i)), "1");
    nlmsghdr* message = link(0);
    const std::string alias = "novaplane network " + test::LargeCloud::network(i);
    mnl_attr_put_strz(message, IFLA_IFNAME, bridge(i).c_str());
    mnl_attr_put(message, IFLA_IFALIAS, alias.size(), alias.data());
    add(message);
  }
  flush();
}

void BareBringUp::attach_ports() {
  // A guest reaches its own floating IP by the port that it came from, where the bridge's frames
  // pass the rules of IP (br_netfilter).
  const bool is_hairpin = reads_one("net/bridge/bridge-nf-call-iptables");
  std::vector<std::uint32_t> bridges;
  for (unsigned i = 0; i < cloud_.networks; ++i)
    bridges.push_back(if_nametoindex(bridge(i).c_str()));
  for (unsigned i = 0; i < cloud_.ports; ++i) {
    const std::string name = test::LargeCloud::interface(i);
    write_sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", name), "1");
    nlmsghdr* joining = link(0);
    mnl_attr_put_strz(joining, IFLA_IFNAME, name.c_str());
    mnl_attr_put_u32(joining, IFLA_MASTER, bridges[i % cloud_.networks]);
    if (!is_hairpin) raise(joining);
    add(joining);
    if (!is_hairpin) continue;
    // A port has flags once it has joined.
    nlmsghdr* message = link(0);
    mnl_attr_put_strz(message, IFLA_IFNAME, name.c_str());
    nlattr* info = mnl_attr_nest_start(message, IFLA_LINKINFO);
    mnl_attr_put_strz(message, IFLA_INFO_SLAVE_KIND, "bridge");
    nlattr* data = mnl_attr_nest_start(message, IFLA_INFO_SLAVE_DATA);
    mnl_attr_put_u8(message, IFLA_BRPORT_MODE, 1);
    mnl_attr_nest_end(message, data);
    mnl_attr_nest_end(message, info);
    raise(message);
    add(message);
  }
  flush();
}

void BareBringUp::raise_bridges() {
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    nlmsghdr* message = link(0);
    raise(message);
    mnl_attr_put_strz(message, IFLA_IFNAME, bridge(i).c_str());
    mnl_attr_put_u32(message, IFLA_MTU, 1500);
    add(message);
  }
  flush();
}

void BareBringUp::add_addresses() {
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    nlmsghdr* message = route_header(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, sizeof(ifaddrmsg));
    auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_get_payload(message));
    header->ifa_family = AF_INET;
    header->ifa_prefixlen = 24;
    header->ifa_index = if_nametoindex(bridge(i).c_str());
    const auto in_network = [&](int last) {
      return in_network_order(fmt::format("10.{}.{}.{}", i / 250, i % 250, last));
    };
    mnl_attr_put_u32(message, IFA_LOCAL, in_network(1));
    mnl_attr_put_u32(message, IFA_ADDRESS, in_network(1));
    mnl_attr_put_u32(message, IFA_BROADCAST, in_network(255));
    mnl_attr_put_u8(message, IFA_PROTO, kProtocol);
    add(message);
  }
  flush();
}

void BareBringUp::add_routes() {
  const std::uint32_t lo = if_nametoindex("lo");
  const Ipv4 source = in_network_order("192.0.2.11");
  for (unsigned i = 0; i < cloud_.floating_ips; ++i) {
    nlmsghdr* message = route_header(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, sizeof(rtmsg));
    auto* header = static_cast<rtmsg*>(mnl_nlmsg_get_payload(message));
    header->rtm_family = AF_INET;
    header->rtm_dst_len = 32;
    header->rtm_table = RT_TABLE_LOCAL;
    header->rtm_protocol = kProtocol;
    header->rtm_scope = RT_SCOPE_HOST;
    header->rtm_type = RTN_LOCAL;
    mnl_attr_put_u32(message, RTA_DST, in_network_order(test::LargeCloud::floating_ip(i)));
    mnl_attr_put_u32(message, RTA_OIF, lo);
    mnl_attr_put_u32(message, RTA_PREFSRC, source);
    add(message);
  }
  flush();
}

}  // namespace novaplane::bench
