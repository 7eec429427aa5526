#include "dataplane/node/silent_values.h"

#include "dataplane/base/hash.h"
#include "dataplane/netlink/sysctl.h"

namespace novaplane::node {
namespace {

/// All that may change without an event, while the link is down or below /proc/sys.
std::size_t digest_of(const netlink::Link& link) {
  return hash_of(link.alias, link.group, link.ipv6, link.accept_ra, link.own_link_local,
                 link.route_localnet, link.rp_filter, link.arp_ignore, link.forwarding4,
                 link.forwarding6);
}

/// Of all links, which the facts of NICs rest on.
const std::vector<std::string> kOfAll{"net/ipv4/conf/all/arp_ignore",
                                      "net/ipv4/conf/all/rp_filter"};

}  // namespace

void Changed::add(const Changed& other) {
  links.insert(links.end(), other.links.begin(), other.links.end());
  proxies |= other.proxies;
  sysctls |= other.sysctls;
}

/// The first look is taken before anybody else asks the kernel: what is changed after somebody has
/// asked differs from it.
Result<SilentValues> SilentValues::open() {
  return netlink::Socket::open().map([](netlink::Socket&& socket) {
    SilentValues values(std::move(socket));
    values.look({});
    return values;
  });
}

Changed SilentValues::look(const std::vector<std::string>& sysctls) {
  Changed changed;
  look_at_links(changed);
  look_at_proxies(changed);
  look_at_sysctls(kOfAll, changed);
  look_at_sysctls(sysctls, changed);
  return changed;
}

/// One that has come was heard of, and may have changed since: one of ours is asked, once.
void SilentValues::look_at_links(Changed& changed) {
  std::unordered_map<int, std::size_t> links;
  const auto listed = socket_.dump(netlink::Listing::links, [&](netlink::Observation&& told) {
    const auto& link = std::get<netlink::Seen<netlink::Link>>(told).value;
    const std::size_t digest = links[link.index] = digest_of(link);
    const auto before = links_.find(link.index);
    const bool is_new = before == links_.end();
    const bool has_changed = is_new ? link.group == netlink::kOurGroup : before->second != digest;
    if (has_changed) changed.links.push_back(link.index);
  });
  if (listed) links_ = std::move(links);
}

/// In no order: the kernel keeps them in a hash table.
void SilentValues::look_at_proxies(Changed& changed) {
  std::size_t digest = 0;
  const auto listed = socket_.dump(netlink::Listing::proxies, [&](netlink::Observation&& told) {
    const auto& proxy = std::get<netlink::Seen<netlink::Neighbour>>(told).value;
    digest += hash_of(proxy.link, proxy.address, proxy.protocol);
  });
  if (!listed) return;
  changed.proxies = proxies_ && *proxies_ != digest;
  proxies_ = digest;
}

void SilentValues::look_at_sysctls(const std::vector<std::string>& keys, Changed& changed) {
  for (const std::string& key : keys) {
    auto value = netlink::read_sysctl(key);
    if (!value) continue;
    const auto [known, is_new] = values_.try_emplace(key, *value);
    if (!is_new && known->second == *value) continue;
    known->second = std::move(*value);
    changed.sysctls = true;
  }
}

}  // namespace novaplane::node
