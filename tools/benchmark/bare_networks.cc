#include "tools/benchmark/bare_networks.h"

#include <fcntl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <unistd.h>

namespace novaplane::bench {
namespace {

constexpr std::size_t kPerSend = 100;    // beyond it nothing more is gained
constexpr unsigned kDeletedAtOnce = 10;  // links: everything else waits meanwhile
constexpr std::uint32_t kMtu = 1450;

void write_sysctl(const std::string& path, std::string_view value) {
  const Fd file(::open(("/proc/sys/" + path).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), value.data(), value.size()) < 0) give_up(path);
}

Mac mac_of(unsigned network, std::uint8_t kind) {
  return {{0x0a, 0x6f, kind, 0, static_cast<std::uint8_t>(network >> 8),
           static_cast<std::uint8_t>(network)}};
}

IpAddress ip(const std::string& text) { return *IpAddress::parse(text); }

int number_of(const std::string& link) { return static_cast<int>(if_nametoindex(link.c_str())); }

}  // namespace

void BarePipeline::add(const netlink::Request& request) {
  const nlmsghdr& header = request.header();
  last_ = buffer_.size();
  const auto* bytes = reinterpret_cast<const char*>(&header);
  buffer_.insert(buffer_.end(), bytes, bytes + NLMSG_ALIGN(header.nlmsg_len));
  if (++count_ == kPerSend) flush();
}

void BarePipeline::flush() {
  if (count_ == 0) return;
  reinterpret_cast<nlmsghdr*>(buffer_.data() + last_)->nlmsg_flags |= NLM_F_ACK;
  socket_.send(buffer_.data(), buffer_.size());
  buffer_.clear();
  count_ = 0;
}

BareNetworks::BareNetworks(const Site& site, const test::UnderlayCloud& cloud,
                           std::vector<char> transaction)
    : nftables_(site, std::move(transaction)), pipeline_(site), cloud_(cloud) {}

void BareNetworks::bring_up() {
  nftables_.send();
  write_sysctl("net/ipv4/ip_forward", "1");
  create_links();
  attach_wires();
  raise_links();
  add_addresses(true);
  place_ports(true);
}

void BareNetworks::create_links() {
  const int nic = number_of("eth1");
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    pipeline_.add(netlink::create_bridge(cloud_.bridge(i), mac_of(i, 0)));
    pipeline_.add(is_vxlan() ? netlink::create_vxlan(cloud_.wire(i), mac_of(i, 0), cloud_.id(i),
                                                     ip("192.0.2.11"), 4789)
                             : netlink::create_vlan(cloud_.wire(i), mac_of(i, 1), nic,
                                                    static_cast<std::uint16_t>(cloud_.id(i))));
  }
  pipeline_.flush();
  netlink::LinkSettings named;
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    named.alias = "novaplane network " + cloud_.network(i);
    for (const std::string& link : {cloud_.bridge(i), cloud_.wire(i)}) {
      write_sysctl(fmt::format("net/ipv6/conf/{}/disable_ipv6", link), "1");
      pipeline_.add(netlink::set_link(link, named));
    }
  }
  pipeline_.flush();
  learn_indexes();
}

void BareNetworks::learn_indexes() {
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    bridges_.push_back(number_of(cloud_.bridge(i)));
    wires_.push_back(number_of(cloud_.wire(i)));
  }
}

void BareNetworks::attach_wires() {
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    netlink::LinkSettings joins, goes_up;
    joins.master = bridges_[i];
    goes_up.up = true;
    if (is_vxlan()) {
      goes_up.port_flags = {.learning = false, .flood = false, .neigh_suppress = true};
      pipeline_.add(netlink::set_link(wires_[i], joins));
    } else {
      goes_up.master = bridges_[i];
    }
    pipeline_.add(netlink::set_link(wires_[i], goes_up));
  }
  pipeline_.flush();
}

void BareNetworks::raise_links() {
  netlink::LinkSettings settings;
  settings.up = true;
  settings.mtu = kMtu;
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    pipeline_.add(netlink::set_link(cloud_.wire(i), settings));
    pipeline_.add(netlink::set_link(cloud_.bridge(i), settings));
  }
  pipeline_.flush();
}

void BareNetworks::add_addresses(bool added) {
  for (unsigned i = 0; i < cloud_.networks; ++i) {
    const netlink::Address address{.link = bridges_[i],
                                   .prefix = {ip(cloud_.in_network(i, 1)), 24},
                                   .broadcast = ip(cloud_.in_network(i, 255))};
    pipeline_.add(added ? netlink::add_address(address) : netlink::delete_address(address));
  }
  pipeline_.flush();
}

void BareNetworks::place(unsigned port, bool added) {
  const unsigned network = cloud_.network_of(port);
  const Mac mac = *Mac::parse(cloud_.mac(port));
  const netlink::ForwardingEntry of_device{
      .link = wires_[network],
      .mac = mac,
      .destination = ip(cloud_.tunnel_address(cloud_.host_of(port)))};
  const netlink::ForwardingEntry of_bridge{
      .link = wires_[network], .mac = mac, .bridge = bridges_[network], .sticky = true};
  const netlink::Neighbour neighbour{
      .link = bridges_[network], .address = ip(cloud_.address(port)), .mac = mac};
  for (const auto& entry : {of_device, of_bridge}) {
    pipeline_.add(added ? netlink::add_forwarding(entry) : netlink::delete_forwarding(entry));
  }
  pipeline_.add(added ? netlink::add_neighbour(neighbour) : netlink::delete_neighbour(neighbour));
}

/// To each host that has ports of the network.
void BareNetworks::flood(unsigned network, bool added) {
  const unsigned ports = cloud_.remote_ports / cloud_.networks;
  for (unsigned i = 0; i < std::min(ports, cloud_.kOtherHosts); ++i) {
    const netlink::ForwardingEntry entry{
        .link = wires_[network], .mac = {}, .destination = ip(cloud_.tunnel_address(i))};
    pipeline_.add(added ? netlink::add_forwarding(entry) : netlink::delete_forwarding(entry));
  }
}

void BareNetworks::place_ports(bool added) {
  for (unsigned i = 0; i < cloud_.networks; ++i) flood(i, added);
  for (unsigned i = 0; i < cloud_.remote_ports; ++i) place(i, added);
  pipeline_.flush();
}

void BareNetworks::remove() {
  place_ports(false);
  add_addresses(false);
  netlink::LinkSettings leaves;
  leaves.master = 0;
  for (const int wire : wires_) pipeline_.add(netlink::set_link(wire, leaves));
  pipeline_.flush();
  nftables_.flush();
  delete_links();
}

void BareNetworks::delete_links() {
  std::vector<int> links = bridges_;
  links.insert(links.end(), wires_.begin(), wires_.end());
  netlink::LinkSettings doomed;
  doomed.group = netlink::kDoomedGroup;
  for (std::size_t i = 0; i < links.size(); ++i) {
    pipeline_.add(netlink::set_link(links[i], doomed));
    const bool is_full = (i + 1) % kDeletedAtOnce == 0 || i + 1 == links.size();
    if (!is_full) continue;
    pipeline_.add(netlink::delete_group(netlink::kDoomedGroup));
    pipeline_.flush();
  }
}

}  // namespace novaplane::bench
