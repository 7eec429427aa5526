#include "dataplane/netlink/queries.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "dataplane/netlink/attributes.h"

namespace novaplane::netlink {
namespace {

template <class Header>
Request question(std::uint16_t type, std::uint16_t flags, Header header) {
  Request request(type, flags, NLMSG_HDRLEN + sizeof(header) + NLA_HDRLEN + sizeof(std::uint32_t));
  put_header(request, header);
  return request;
}

/// Statistics are the larger part of what the kernel tells of a link, and nobody reads them here.
Request link_question(std::uint16_t flags, int index) {
  ifinfomsg header{};
  header.ifi_index = index;
  Request request = question(RTM_GETLINK, flags, header);
  put(request, IFLA_EXT_MASK, std::uint32_t{RTEXT_FILTER_SKIP_STATS});
  return request;
}

Request address_question(std::uint8_t family) {
  ifaddrmsg header{};
  header.ifa_family = family;
  return question(RTM_GETADDR, NLM_F_DUMP, header);
}

Request route_question(std::uint8_t family, std::uint8_t protocol) {
  rtmsg header{};
  header.rtm_family = family;
  header.rtm_protocol = protocol;
  return question(RTM_GETROUTE, NLM_F_DUMP, header);
}

Request rule_question() {
  fib_rule_hdr header{};
  header.family = AF_INET;
  return question(RTM_GETRULE, NLM_F_DUMP, header);
}

Request neighbour_question(std::uint8_t family, std::uint8_t flags) {
  ndmsg header{};
  header.ndm_family = family;
  header.ndm_flags = flags;
  return question(RTM_GETNEIGH, NLM_F_DUMP, header);
}

}  // namespace

Request query_link(int index) { return link_question(0, index); }

Request query_listing(Listing what, int family) {
  const auto narrow = static_cast<std::uint8_t>(family);
  switch (what) {
    case Listing::addresses:
      return address_question(narrow);
    case Listing::routes:
      return route_question(narrow, RTPROT_UNSPEC);
    case Listing::our_routes:
      return route_question(narrow, kOurProtocol);
    case Listing::advertised_routes:
      return route_question(narrow, RTPROT_RA);
    case Listing::policy_rules:
      return rule_question();
    case Listing::neighbours:
      return neighbour_question(narrow, 0);
    case Listing::proxies:
      return neighbour_question(narrow, NTF_PROXY);
    case Listing::forwarding:
      return neighbour_question(narrow, 0);
    case Listing::links:
      break;
  }
  return link_question(NLM_F_DUMP, 0);
}

}  // namespace novaplane::netlink
