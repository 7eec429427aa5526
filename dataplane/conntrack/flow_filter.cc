#include "dataplane/conntrack/flow_filter.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnetfilter_conntrack/libnetfilter_conntrack.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <cstring>

namespace novaplane::conntrack {
namespace {

// Which part of a tuple counts (net/netfilter/nf_internals.h; not in the kernel's public headers).
constexpr std::uint32_t kFilterSource = 1 << 0;
constexpr std::uint32_t kFilterDestination = 1 << 1;

struct Place {
  std::uint16_t tuple;  ///< CTA_TUPLE_ORIG or CTA_TUPLE_REPLY
  std::uint16_t flags;  ///< CTA_FILTER_ORIG_FLAGS or CTA_FILTER_REPLY_FLAGS
  bool source;
};

Place place_of(FlowFilter::Which which) {
  switch (which) {
    case FlowFilter::Which::reply_destination:
      return {CTA_TUPLE_REPLY, CTA_FILTER_REPLY_FLAGS, false};
    case FlowFilter::Which::translated_source:
      return {CTA_TUPLE_ORIG, CTA_FILTER_ORIG_FLAGS, true};
    default:
      return {CTA_TUPLE_ORIG, CTA_FILTER_ORIG_FLAGS, false};
  }
}

void put_address(nlmsghdr* message, const IpAddress& address, bool source) {
  const std::uint16_t v4 = source ? CTA_IP_V4_SRC : CTA_IP_V4_DST;
  const std::uint16_t v6 = source ? CTA_IP_V6_SRC : CTA_IP_V6_DST;
  mnl_attr_put(message, address.is_v4() ? v4 : v6, address.bytes().size(), address.bytes().data());
}

bool equals(const nf_conntrack* flow, nf_conntrack_attr v4, nf_conntrack_attr v6,
            const IpAddress& address) {
  const void* value = nfct_get_attr(flow, address.is_v4() ? v4 : v6);
  return value != nullptr &&
         std::memcmp(value, address.bytes().data(), address.bytes().size()) == 0;
}

bool is_of_service(const FlowFilter& filter, const nf_conntrack* flow) {
  if (filter.protocol && nfct_get_attr_u8(flow, ATTR_ORIG_L4PROTO) != *filter.protocol)
    return false;
  return !filter.port || ntohs(nfct_get_attr_u16(flow, ATTR_ORIG_PORT_DST)) == *filter.port;
}

/// Neither end was translated, and the other one is beyond the network.
bool is_plain_to_beyond(const FlowFilter& filter, const nf_conntrack* flow) {
  constexpr std::uint32_t kTranslated = IPS_SRC_NAT | IPS_DST_NAT;
  if ((nfct_get_attr_u32(flow, ATTR_STATUS) & kTranslated) != 0 || !filter.address.is_v4()) {
    return false;
  }
  const auto end = [&](nf_conntrack_attr attribute) {
    return IpAddress::v4(ntohl(nfct_get_attr_u32(flow, attribute)));
  };
  const IpAddress from = end(ATTR_ORIG_IPV4_SRC), to = end(ATTR_ORIG_IPV4_DST);
  const auto stays = [&](const IpAddress& other) {
    return filter.within && filter.within->contains(other);
  };
  return (from == filter.address && !stays(to)) || (to == filter.address && !stays(from));
}

}  // namespace

int family_of(const FlowFilter& filter) {
  return filter.which == FlowFilter::Which::mark ? AF_UNSPEC : filter.address.family();
}

void put_filter(nlmsghdr* message, const FlowFilter& filter) {
  if (filter.which == FlowFilter::Which::mark) {
    mnl_attr_put_u32(message, CTA_MARK, htonl(filter.mark));
    mnl_attr_put_u32(message, CTA_MARK_MASK, htonl(filter.mask));
    return;
  }
  const Place place = place_of(filter.which);
  nlattr* tuple = mnl_attr_nest_start(message, place.tuple);
  nlattr* addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
  put_address(message, filter.address, place.source);
  mnl_attr_nest_end(message, addresses);
  mnl_attr_nest_end(message, tuple);
  nlattr* flags = mnl_attr_nest_start(message, CTA_FILTER);
  mnl_attr_put_u32(message, place.flags, place.source ? kFilterSource : kFilterDestination);
  mnl_attr_nest_end(message, flags);
  if (filter.which == FlowFilter::Which::translated_source) {
    mnl_attr_put_u32(message, CTA_STATUS, htonl(IPS_SRC_NAT));
    mnl_attr_put_u32(message, CTA_STATUS_MASK, htonl(IPS_SRC_NAT));
  }
}

bool matches(const FlowFilter& filter, const nf_conntrack* flow) {
  switch (filter.which) {
    case FlowFilter::Which::original_destination:
      return equals(flow, ATTR_ORIG_IPV4_DST, ATTR_ORIG_IPV6_DST, filter.address) &&
             is_of_service(filter, flow) &&
             !(filter.keep && equals(flow, ATTR_REPL_IPV4_SRC, ATTR_REPL_IPV6_SRC, *filter.keep));
    case FlowFilter::Which::reply_destination:
      return equals(flow, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, filter.address);
    case FlowFilter::Which::translated_source:
      return equals(flow, ATTR_ORIG_IPV4_SRC, ATTR_ORIG_IPV6_SRC, filter.address) &&
             (nfct_get_attr_u32(flow, ATTR_STATUS) & IPS_SRC_NAT) != 0 &&
             !(filter.keep && equals(flow, ATTR_REPL_IPV4_DST, ATTR_REPL_IPV6_DST, *filter.keep));
    case FlowFilter::Which::untranslated:
      return is_plain_to_beyond(filter, flow);
    case FlowFilter::Which::mark:
      return (nfct_get_attr_u32(flow, ATTR_MARK) & filter.mask) == filter.mark;
  }
  return false;
}

}  // namespace novaplane::conntrack
