#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "dataplane/netlink/attributes.h"
#include "dataplane/netlink/request.h"

namespace novaplane::netlink {
namespace {

constexpr std::size_t kRoom = NLMSG_HDRLEN + sizeof(ndmsg) + 2 * (NLA_HDRLEN + 16);

/// The kernel sends it to the bridge that the link is a port of, or to the device itself
/// (net/core/rtnetlink.c, rtnl_fdb_add).
Request forwarding_request(std::uint16_t type, std::uint16_t flags, const ForwardingEntry& entry) {
  Request request(type, flags, kRoom);
  const bool is_bridges = entry.bridge != 0;
  ndmsg header{};
  header.ndm_family = AF_BRIDGE;
  header.ndm_ifindex = entry.link;
  header.ndm_state = is_bridges ? NUD_NOARP : NUD_PERMANENT;
  header.ndm_flags = is_bridges ? NTF_MASTER : NTF_SELF;
  if (entry.sticky) header.ndm_flags |= NTF_STICKY;
  put_header(request, header);
  put(request, NDA_LLADDR, entry.mac);
  if (entry.destination) put(request, NDA_DST, *entry.destination);
  return request;
}

}  // namespace

Request add_forwarding(const ForwardingEntry& entry) {
  const bool is_one_of_many = entry.bridge == 0 && entry.mac.is_zero();
  const std::uint16_t how = is_one_of_many ? NLM_F_APPEND : NLM_F_REPLACE;
  return forwarding_request(RTM_NEWNEIGH, static_cast<std::uint16_t>(NLM_F_CREATE | how), entry);
}

Request delete_forwarding(const ForwardingEntry& entry) {
  return forwarding_request(RTM_DELNEIGH, 0, entry);
}

}  // namespace novaplane::netlink
