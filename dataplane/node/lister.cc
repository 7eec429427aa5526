#include "dataplane/node/lister.h"

#include <algorithm>
#include <functional>

#include "dataplane/netlink/sysctl.h"

namespace novaplane::node {
namespace {

template <class Is>
bool any_link(const std::vector<netlink::Observation>& told, Is is) {
  return std::ranges::any_of(told, [&](const netlink::Observation& observation) {
    const auto* link = std::get_if<netlink::Seen<netlink::Link>>(&observation);
    return link && std::invoke(is, link->value);
  });
}

bool is_tunnel(const netlink::Link& link) {
  return link.group == netlink::kOurGroup && link.kind == "vxlan";
}

}  // namespace

Result<Lister> Lister::open(nft::SharedRuleset ruleset) {
  auto netlink = netlink::Socket::open();
  if (!netlink) return tl::unexpected(netlink.error());
  auto nftables = nft::Client::open(std::move(ruleset));
  if (!nftables) return tl::unexpected(nftables.error());
  return Lister(std::move(*netlink), std::move(*nftables));
}

Result<void> Lister::list(netlink::Listing what, ListResult& seen) {
  return netlink_.dump(what,
                       [&](netlink::Observation&& told) { seen.told.push_back(std::move(told)); });
}

/// Links first: the others stand on them. Forwarding entries are ours on VXLAN devices only.
Result<void> Lister::list_rtnetlink(ListResult& seen) {
  using enum netlink::Listing;
  if (auto listed = list(links, seen); !listed) return listed;
  std::vector<netlink::Listing> others{addresses,    our_routes, advertised_routes,
                                       policy_rules, neighbours, proxies};
  if (any_link(seen.told, is_tunnel)) others.push_back(forwarding);
  for (const engine::Question& question : engine::questions_of_kinds(seen.told)) {
    auto listed = netlink_.dump(question.request, question.family, [&](netlink::Observation&& one) {
      seen.told.push_back(std::move(one));
    });
    if (!listed) return listed;
  }
  for (const netlink::Listing what : others) {
    if (auto listed = list(what, seen); !listed) return listed;
  }
  return {};
}

Result<ListResult> Lister::list(ListRequest request) {
  ListResult seen;
  if (request.nftables) {
    auto observed = nftables_.observe();
    if (!observed) return tl::unexpected(observed.error());
    seen.nftables = std::move(*observed);
  }
  Result<void> listed;
  if (request.rtnetlink) listed = list_rtnetlink(seen);
  if (listed && request.addresses) listed = list(netlink::Listing::addresses, seen);
  if (listed && request.routes) listed = list(netlink::Listing::our_routes, seen);
  if (listed && request.silent) listed = list(netlink::Listing::links, seen);
  if (listed && request.lists_proxies()) listed = list(netlink::Listing::proxies, seen);
  if (!listed) return tl::unexpected(listed.error());
  for (const std::string& key : request.sysctls) {
    if (auto value = netlink::read_sysctl(key)) seen.sysctls.emplace_back(key, std::move(*value));
  }
  seen.request = std::move(request);
  return seen;
}

Result<std::vector<netlink::Observation>> Lister::list_links(
    const std::vector<std::string>& links) {
  std::vector<netlink::Observation> told;
  std::vector<int> known;
  for (const std::string& name : links) {
    const auto index = netlink_.index_of(name);
    auto link = index ? netlink_.link(*index) : tl::unexpected(index.error());
    if (!link) continue;
    known.push_back(*index);
    told.push_back(netlink::Seen<netlink::Link>{std::move(*link)});
  }
  auto asked = netlink_.dump(netlink::Listing::addresses, [&](netlink::Observation&& one) {
    const auto* seen = std::get_if<netlink::Seen<netlink::Address>>(&one);
    const bool is_known = seen && std::ranges::find(known, seen->value.link) != known.end();
    if (is_known) told.push_back(std::move(one));
  });
  if (!asked) return tl::unexpected(asked.error());
  return told;
}

}  // namespace novaplane::node
