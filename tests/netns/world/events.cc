#include "tests/netns/world/events.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <functional>
#include <map>
#include <system_error>
#include <utility>

#include <fmt/format.h>

namespace novaplane::netns {
namespace {

Fd listen_to(int protocol, std::initializer_list<int> groups) {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
  if (!fd) throw std::system_error(errno, std::generic_category(), "netlink");
  // Without a port number of its own a socket counts as the kernel's and hears nothing.
  const sockaddr_nl any{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0)
    throw std::system_error(errno, std::generic_category(), "netlink bind");
  const int bytes = 8 << 20;
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  for (const int group : groups)
    if (setsockopt(fd.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0)
      throw std::system_error(errno, std::generic_category(), "netlink group");
  return fd;
}

std::string link_of(int index) {
  char name[IF_NAMESIZE];
  return if_indextoname(static_cast<unsigned>(index), name) ? name : fmt::format("link {}", index);
}

/// An attribute as an address, or nothing.
std::string address_in(const nlmsghdr& message, std::size_t header, int family, int attribute) {
  const auto* item = reinterpret_cast<const rtattr*>(
      static_cast<const char*>(NLMSG_DATA(&message)) + NLMSG_ALIGN(header));
  int left = static_cast<int>(message.nlmsg_len - NLMSG_SPACE(header));
  for (; RTA_OK(item, left); item = RTA_NEXT(item, left)) {
    char text[INET6_ADDRSTRLEN];
    if (item->rta_type == attribute && inet_ntop(family, RTA_DATA(item), text, sizeof text))
      return text;
  }
  return "default";
}

/// What somebody can write of a link, as bytes to compare: not its carrier, which comes by itself.
std::string written_part(const nlmsghdr& message) {
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  std::string bytes = link->ifi_flags & IFF_UP ? "up" : "down";
  const auto* item = reinterpret_cast<const rtattr*>(
      static_cast<const char*>(NLMSG_DATA(&message)) + NLMSG_ALIGN(sizeof *link));
  int left = static_cast<int>(message.nlmsg_len - NLMSG_SPACE(sizeof *link));
  for (; RTA_OK(item, left); item = RTA_NEXT(item, left)) switch (item->rta_type) {
      case IFLA_IFNAME:
      case IFLA_ADDRESS:
      case IFLA_MTU:
      case IFLA_MASTER:
      case IFLA_GROUP:
      case IFLA_IFALIAS:
        bytes += fmt::format(" {}=", item->rta_type);
        bytes.append(static_cast<const char*>(RTA_DATA(item)), RTA_PAYLOAD(item));
    }
  return bytes;
}

std::string describe_address(const nlmsghdr& message) {
  const auto* address = static_cast<const ifaddrmsg*>(NLMSG_DATA(&message));
  // The kernel makes and checks link-local addresses by itself, in its own time (RFC 4862).
  if (address->ifa_family == AF_INET6 && address->ifa_scope == RT_SCOPE_LINK) return {};
  return fmt::format("{} address {}/{} on {}",
                     message.nlmsg_type == RTM_NEWADDR ? "new" : "deleted",
                     address_in(message, sizeof *address, address->ifa_family, IFA_ADDRESS),
                     address->ifa_prefixlen, link_of(static_cast<int>(address->ifa_index)));
}

std::string describe_route(const nlmsghdr& message) {
  const auto* route = static_cast<const rtmsg*>(NLMSG_DATA(&message));
  if (route->rtm_protocol == RTPROT_KERNEL) return {};  // follows from an address, which is told
  return fmt::format("{} route {}/{} table {} protocol {}",
                     message.nlmsg_type == RTM_NEWROUTE ? "new" : "deleted",
                     address_in(message, sizeof *route, route->rtm_family, RTA_DST),
                     route->rtm_dst_len, route->rtm_table, route->rtm_protocol);
}

/// Not what a bridge learns, nor the MACs that it and its ports have.
std::string describe_forwarding(const nlmsghdr& message, const ndmsg& entry) {
  if (!(entry.ndm_state & NUD_NOARP) && !(entry.ndm_flags & NTF_SELF)) return {};
  return fmt::format("{} forwarding entry on {}",
                     message.nlmsg_type == RTM_NEWNEIGH ? "new" : "deleted",
                     link_of(entry.ndm_ifindex));
}

std::string describe_neighbour(const nlmsghdr& message) {
  const auto* neighbour = static_cast<const ndmsg*>(NLMSG_DATA(&message));
  if (neighbour->ndm_family == AF_BRIDGE) return describe_forwarding(message, *neighbour);
  const bool written = (neighbour->ndm_state & NUD_PERMANENT) || (neighbour->ndm_flags & NTF_PROXY);
  if (!written) return {};
  return fmt::format("{} neighbour {} on {}",
                     message.nlmsg_type == RTM_NEWNEIGH ? "new" : "deleted",
                     address_in(message, sizeof *neighbour, neighbour->ndm_family, NDA_DST),
                     link_of(neighbour->ndm_ifindex));
}

std::string describe_route_event(const nlmsghdr& message) {
  switch (message.nlmsg_type) {
    case RTM_NEWADDR:
    case RTM_DELADDR:
      return describe_address(message);
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return describe_route(message);
    case RTM_NEWNEIGH:
    case RTM_DELNEIGH:
      return describe_neighbour(message);
    default:
      return fmt::format("rtnetlink message {}", message.nlmsg_type);
  }
}

std::string describe_nftables_event(const nlmsghdr& message) {
  static const std::map<int, std::string> names{
      {NFT_MSG_NEWTABLE, "new table"},     {NFT_MSG_DELTABLE, "deleted table"},
      {NFT_MSG_NEWCHAIN, "new chain"},     {NFT_MSG_DELCHAIN, "deleted chain"},
      {NFT_MSG_NEWRULE, "new rule"},       {NFT_MSG_DELRULE, "deleted rule"},
      {NFT_MSG_NEWSET, "new set"},         {NFT_MSG_DELSET, "deleted set"},
      {NFT_MSG_NEWSETELEM, "new element"}, {NFT_MSG_DELSETELEM, "deleted element"},
      {NFT_MSG_NEWGEN, "new generation"}};
  const auto found = names.find(NFNL_MSG_TYPE(message.nlmsg_type));
  return "nftables: " +
         (found != names.end() ? found->second : fmt::format("message {}", message.nlmsg_type));
}

void drain(const Fd& socket, const std::function<std::string(const nlmsghdr&)>& describe,
           std::vector<std::string>& lines) {
  alignas(nlmsghdr) char buffer[65536];
  for (;;) {
    const ssize_t got = recv(socket.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == ENOBUFS) lines.emplace_back("more than the socket holds");
    if (got <= 0 && errno != ENOBUFS) return;
    int left = static_cast<int>(got);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(message, left);
         message = NLMSG_NEXT(message, left))
      if (auto line = describe(*message); !line.empty()) lines.push_back(std::move(line));
  }
}

/// Asks for all links; the answers come to the socket like events.
void list_links(const Fd& socket) {
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  send(socket.get(), &request, sizeof request, 0);
}

}  // namespace

Events::Events(const Namespace& where) : where_(where) {
  where.inside([&] {
    route_ = listen_to(NETLINK_ROUTE, {RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_IFADDR,
                                       RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
                                       RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE});
    nftables_ = listen_to(NETLINK_NETFILTER, {NFNLGRP_NFTABLES});
    list_links(route_);  // what is there is not new
  });
  take();
}

std::string Events::describe_link(const nlmsghdr& message) {
  const auto* link = static_cast<const ifinfomsg*>(NLMSG_DATA(&message));
  // Bridges report their ports' states by themselves, with the family AF_BRIDGE.
  if (link->ifi_family != AF_UNSPEC) return {};
  if (message.nlmsg_type == RTM_DELLINK) {
    links_.erase(link->ifi_index);
    return fmt::format("deleted link {}", link->ifi_index);
  }
  auto written = written_part(message);
  const auto [known, is_new] = links_.try_emplace(link->ifi_index, written);
  if (!is_new && std::exchange(known->second, written) == written) return {};
  return fmt::format("{} link {}", is_new ? "new" : "changed", link_of(link->ifi_index));
}

std::vector<std::string> Events::take() {
  std::vector<std::string> lines;
  where_.inside([&] {  // where the numbers of links have names
    drain(
        route_,
        [this](const nlmsghdr& message) {
          const bool is_link =
              message.nlmsg_type == RTM_NEWLINK || message.nlmsg_type == RTM_DELLINK;
          return is_link ? describe_link(message) : describe_route_event(message);
        },
        lines);
    drain(nftables_, describe_nftables_event, lines);
  });
  return lines;
}

bool await_changes(Events& events, std::size_t changes, const std::function<bool()>& ended) {
  std::size_t heard = 0;
  for (const auto end = Clock::now() + patient(kHangs); heard < changes && Clock::now() < end;) {
    const bool has_ended = ended();  // asked first: what it wrote before is counted
    heard += events.take().size();
    if (has_ended && heard < changes) return false;
  }
  return heard >= changes;
}

std::vector<std::string> written_during(const Namespace& where, const std::function<void()>& act) {
  Events events(where);
  act();
  return events.take();
}

}  // namespace novaplane::netns
