#include "dataplane/netlink/ip_config.h"

#include <fmt/format.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

#include "dataplane/netlink/attributes.h"

/// What of a message is IP configuration, and its names for people.
namespace novaplane::netlink {
namespace {

const nlmsghdr& header_of(const RawMessage& message) {
  return *reinterpret_cast<const nlmsghdr*>(message.data());
}

template <class Header>
const Header& family_header(const RawMessage& message) {
  return *reinterpret_cast<const Header*>(message.data() + NLMSG_HDRLEN);
}

template <class Header>
bool holds(const RawMessage& message) {
  return message.size() >= NLMSG_HDRLEN + sizeof(Header);
}

std::string optional_word(std::string_view word, const std::optional<IpAddress>& address) {
  return address ? fmt::format(" {} {}", word, *address) : "";
}

std::optional<IpConfig> address_from(RawMessage message) {
  const auto& header = family_header<ifaddrmsg>(message);
  const Attributes<IFA_PROTO> attributes(header_of(message), sizeof(header));
  auto address = attributes.address(IFA_LOCAL);
  if (!address) address = attributes.address(IFA_ADDRESS);
  const auto protocol = attributes.number<std::uint8_t>(IFA_PROTO);
  const bool is_ours = protocol == kOurProtocol || header.ifa_scope == kPairScope;
  if (!address || is_ours) return std::nullopt;
  IpConfig config;
  config.ipv6 = header.ifa_family == AF_INET6;
  config.advertised = protocol == IFAPROT_KERNEL_RA;
  config.link_local = config.ipv6 && header.ifa_scope == RT_SCOPE_LINK;
  config.is_temporary = config.ipv6 && (header.ifa_flags & IFA_F_TEMPORARY) != 0;
  config.text = fmt::format("address {}", Prefix{*address, header.ifa_prefixlen});
  config.message = std::move(message);
  return config;
}

bool is_link_local_range(const std::optional<IpAddress>& destination) {
  static const Prefix kLinkLocal = *Prefix::parse("fe80::/10");
  return destination && !destination->is_v4() && kLinkLocal.contains(*destination);
}

std::string route_text(const rtmsg& header, const Attributes<RTA_NH_ID>& attributes) {
  const auto destination = attributes.address(RTA_DST);
  std::string text = "route ";
  text += header.rtm_dst_len == 0 || !destination
              ? std::string("default")
              : Prefix{*destination, header.rtm_dst_len}.to_string();
  if (attributes.find(RTA_NH_ID)) {
    text += fmt::format(" by next hop {}", attributes.number<std::uint32_t>(RTA_NH_ID));
  }
  if (attributes.find(RTA_MULTIPATH)) text += " by several next hops";
  text += optional_word("via", attributes.address(RTA_GATEWAY));
  const auto table = attributes.number<std::uint32_t>(RTA_TABLE, header.rtm_table);
  if (table != RT_TABLE_MAIN) text += fmt::format(" table {}", table);
  if (const auto metric = attributes.number<std::uint32_t>(RTA_PRIORITY); metric != 0) {
    text += fmt::format(" metric {}", metric);
  }
  return text;
}

/// Routes of the table local come and go with their addresses.
std::optional<IpConfig> route_from(RawMessage message) {
  const auto& header = family_header<rtmsg>(message);
  const Attributes<RTA_NH_ID> attributes(header_of(message), sizeof(header));
  const auto table = attributes.number<std::uint32_t>(RTA_TABLE, header.rtm_table);
  const bool is_cached = (header.rtm_flags & RTM_F_CLONED) != 0;
  if (is_cached || table == RT_TABLE_LOCAL || header.rtm_type == RTN_MULTICAST ||
      header.rtm_protocol == kOurProtocol) {
    return std::nullopt;
  }
  IpConfig config;
  config.kind = IpConfig::Kind::route;
  config.ipv6 = header.rtm_family == AF_INET6;
  config.by_kernel = header.rtm_protocol == RTPROT_KERNEL;
  config.advertised = header.rtm_protocol == RTPROT_RA;
  if (config.by_kernel && is_link_local_range(attributes.address(RTA_DST))) return std::nullopt;
  config.by_next_hop = attributes.find(RTA_NH_ID) != nullptr;
  config.has_gateway =
      attributes.find(RTA_GATEWAY) || attributes.find(RTA_VIA) || attributes.find(RTA_MULTIPATH);
  config.text = route_text(header, attributes);
  config.message = std::move(message);
  return config;
}

std::optional<IpConfig> next_hop_from(RawMessage message) {
  const auto& header = family_header<nhmsg>(message);
  const Attributes<NHA_ENCAP> attributes(header_of(message), sizeof(header));
  if (header.nh_protocol == kOurProtocol || !attributes.find(NHA_OIF)) return std::nullopt;
  IpConfig config;
  config.kind = IpConfig::Kind::next_hop;
  config.ipv6 = header.nh_family == AF_INET6;
  config.text = fmt::format("next hop {}{}", attributes.number<std::uint32_t>(NHA_ID),
                            optional_word("via", attributes.address(NHA_GATEWAY)));
  config.message = std::move(message);
  return config;
}

std::optional<IpConfig> neighbour_from(RawMessage message) {
  const auto& header = family_header<ndmsg>(message);
  const Attributes<NDA_PROTOCOL> attributes(header_of(message), sizeof(header));
  const auto address = attributes.address(NDA_DST);
  const bool is_proxy = (header.ndm_flags & NTF_PROXY) != 0;
  const bool stays = is_proxy || (header.ndm_state & NUD_PERMANENT) != 0;
  if (!address || !stays || attributes.number<std::uint8_t>(NDA_PROTOCOL) == kOurProtocol) {
    return std::nullopt;
  }
  IpConfig config;
  config.kind = IpConfig::Kind::neighbour;
  config.ipv6 = header.ndm_family == AF_INET6;
  config.text = fmt::format("{} {}", is_proxy ? "proxy" : "neighbour", *address);
  config.message = std::move(message);
  return config;
}

// --- listings

template <class Header>
Request question(std::uint16_t type, Header header, int attribute, std::uint32_t value) {
  Request request(type, NLM_F_DUMP, NLMSG_HDRLEN + sizeof(header) + 2 * (NLA_HDRLEN + 4));
  put_header(request, header);
  if (attribute != 0) put(request, attribute, value);
  return request;
}

Request addresses_of(int link, int family) {
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(family);
  header.ifa_index = static_cast<std::uint32_t>(link);
  return question(RTM_GETADDR, header, 0, 0);
}
Request routes_by(int attribute, std::uint32_t value, int family) {
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  return question(RTM_GETROUTE, header, attribute, value);
}
Request neighbours_of(int link, int family, std::uint8_t flags) {
  ndmsg header{};
  header.ndm_family = static_cast<std::uint8_t>(family);
  header.ndm_flags = flags;
  // The listing of proxies knows no filter by link.
  return question(RTM_GETNEIGH, header, flags == 0 ? NDA_IFINDEX : 0,
                  static_cast<std::uint32_t>(link));
}
Request next_hops_of(int link, int family) {
  nhmsg header{};
  header.nh_family = static_cast<std::uint8_t>(family);
  return question(RTM_GETNEXTHOP, header, NHA_OIF, static_cast<std::uint32_t>(link));
}

std::array<Request, 5> questions_of(int link, int family) {
  return {addresses_of(link, family), next_hops_of(link, family),
          routes_by(RTA_OIF, static_cast<std::uint32_t>(link), family),
          neighbours_of(link, family, 0), neighbours_of(link, family, NTF_PROXY)};
}

/// More of IPv6 than every link has.
bool is_ipv6_of_the_hosts(const IpConfig& c) { return c.ipv6 && !c.link_local && !c.by_kernel; }

Result<void> add_listed(Socket& socket, const Request& question, int family, int link,
                        std::vector<IpConfig>& found) {
  auto messages = socket.messages(question, family);
  if (!messages) return tl::unexpected(messages.error());
  for (RawMessage& message : *messages) {
    const bool is_neighbour = header_of(message).nlmsg_type == RTM_NEWNEIGH;
    if (is_neighbour && family_header<ndmsg>(message).ndm_ifindex != link) continue;
    if (auto config = ip_config_from(std::move(message))) found.push_back(std::move(*config));
  }
  return {};
}

/// Table, destination and metric: among IPv4 routes that share them the first one counts.
using Rank = std::tuple<std::uint32_t, std::string, std::uint8_t, std::uint8_t, std::uint32_t>;

Rank rank_of(const RawMessage& message) {
  const auto& header = family_header<rtmsg>(message);
  const Attributes<RTA_NH_ID> attributes(header_of(message), sizeof(header));
  const auto destination = attributes.address(RTA_DST);
  return {attributes.number<std::uint32_t>(RTA_TABLE, header.rtm_table),
          destination ? destination->to_string() : "", header.rtm_dst_len, header.rtm_tos,
          attributes.number<std::uint32_t>(RTA_PRIORITY)};
}

Result<void> find_ranks(Socket& socket, std::vector<IpConfig>& things) {
  std::set<std::uint32_t> tables;
  const auto is_ranked = [](const IpConfig& c) {
    return c.kind == IpConfig::Kind::route && !c.ipv6;
  };
  for (const IpConfig& c : things) {
    if (is_ranked(c)) tables.insert(std::get<0>(rank_of(c.message)));
  }
  std::map<Rank, RawMessage> firsts;
  for (const std::uint32_t table : tables) {
    auto messages = socket.messages(routes_by(RTA_TABLE, table, AF_INET), AF_INET);
    if (!messages) return tl::unexpected(messages.error());
    for (RawMessage& message : *messages) firsts.try_emplace(rank_of(message), std::move(message));
  }
  for (IpConfig& c : things) {
    if (!is_ranked(c)) continue;
    const auto first = firsts.find(rank_of(c.message));
    const auto body = [](const RawMessage& m) { return std::span(m).subspan(NLMSG_HDRLEN); };
    c.is_first = first == firsts.end() || std::ranges::equal(body(first->second), body(c.message));
  }
  return {};
}

}  // namespace

Result<bool> has_ipv6_config(Socket& socket, int link) {
  std::vector<IpConfig> found;
  for (const Request& question : questions_of(link, AF_INET6)) {
    if (auto listed = add_listed(socket, question, AF_INET6, link, found); !listed) {
      return tl::unexpected(listed.error());
    }
    if (std::ranges::any_of(found, is_ipv6_of_the_hosts)) return true;
  }
  return false;
}

std::optional<IpConfig> ip_config_from(RawMessage message) {
  // From a file it may be anything: what reads attributes trusts the length in the header.
  if (message.size() < NLMSG_HDRLEN) return std::nullopt;
  if (header_of(message).nlmsg_len != message.size()) return std::nullopt;
  switch (header_of(message).nlmsg_type) {
    case RTM_NEWADDR:
      return holds<ifaddrmsg>(message) ? address_from(std::move(message)) : std::nullopt;
    case RTM_NEWROUTE:
      return holds<rtmsg>(message) ? route_from(std::move(message)) : std::nullopt;
    case RTM_NEWNEXTHOP:
      return holds<nhmsg>(message) ? next_hop_from(std::move(message)) : std::nullopt;
    case RTM_NEWNEIGH:
      return holds<ndmsg>(message) ? neighbour_from(std::move(message)) : std::nullopt;
    default:
      return std::nullopt;
  }
}

Result<std::vector<IpConfig>> ip_config_of(Socket& socket, int link, bool ranks) {
  std::vector<IpConfig> found;
  for (const int family : {AF_INET, AF_INET6}) {
    for (const Request& question : questions_of(link, family)) {
      if (auto listed = add_listed(socket, question, family, link, found); !listed) {
        return tl::unexpected(listed.error());
      }
    }
  }
  if (std::ranges::none_of(found, is_ipv6_of_the_hosts))
    std::erase_if(found, [](const IpConfig& c) { return c.ipv6; });
  if (ranks) {
    if (auto ranked = find_ranks(socket, found); !ranked) return tl::unexpected(ranked.error());
  }
  return found;
}

bool has_address_of(const IpConfig& route, const std::vector<IpConfig>& things) {
  const auto& header = family_header<rtmsg>(route.message);
  const Attributes<RTA_DST> attributes(header_of(route.message), sizeof(header));
  const auto destination = attributes.address(RTA_DST);
  if (!destination) return false;
  const Prefix range{*destination, header.rtm_dst_len};
  return std::ranges::any_of(things, [&](const IpConfig& c) {
    if (c.kind != IpConfig::Kind::address) return false;
    const Attributes<IFA_LOCAL> of(header_of(c.message), sizeof(ifaddrmsg));
    const auto peer = of.address(IFA_ADDRESS), own = of.address(IFA_LOCAL);
    return (peer && range.contains(*peer)) || (own && range.contains(*own));
  });
}

bool age(IpConfig& config, std::uint32_t seconds) {
  constexpr std::uint32_t kForever = 0xffffffff;
  if (config.kind != IpConfig::Kind::address) return true;
  const Attributes<IFA_CACHEINFO> attributes(header_of(config.message), sizeof(ifaddrmsg));
  const nlattr* attribute = attributes.find(IFA_CACHEINFO);
  if (!attribute || nla_len(attribute) < static_cast<int>(sizeof(ifa_cacheinfo))) return true;
  auto* info = static_cast<ifa_cacheinfo*>(nla_data(attribute));
  for (auto* lifetime : {&info->ifa_prefered, &info->ifa_valid}) {
    if (*lifetime != kForever) *lifetime -= std::min(*lifetime, seconds);
  }
  return info->ifa_valid != 0;
}

}  // namespace novaplane::netlink
