#include "tools/benchmark/bare_flows.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <netinet/in.h>

#include <algorithm>

namespace novaplane::bench {
namespace {

constexpr std::uint32_t kFilterDestination = 1 << 1;  // net/netfilter/nf_internals.h
constexpr std::uint32_t kTimeout = 3600;              // seconds
constexpr unsigned kPerSend = 200;

}  // namespace

BareFlows::BareFlows(const Site& site) : socket_(site, NETLINK_NETFILTER) {}

nlmsghdr* BareFlows::message(std::uint16_t type, std::uint16_t flags) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data() + used_);
  header->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8 | type);
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = AF_INET;
  generic->version = NFNETLINK_V0;
  return header;
}

void BareFlows::put_tuple(nlmsghdr* message, std::uint16_t type, Ipv4 source, Ipv4 destination) {
  nlattr* tuple = mnl_attr_nest_start(message, type);
  nlattr* addresses = mnl_attr_nest_start(message, CTA_TUPLE_IP);
  mnl_attr_put_u32(message, CTA_IP_V4_SRC, source);
  mnl_attr_put_u32(message, CTA_IP_V4_DST, destination);
  mnl_attr_nest_end(message, addresses);
  nlattr* protocol = mnl_attr_nest_start(message, CTA_TUPLE_PROTO);
  mnl_attr_put_u8(message, CTA_PROTO_NUM, IPPROTO_UDP);
  mnl_attr_put_u16(message, CTA_PROTO_SRC_PORT, htons(53));
  mnl_attr_put_u16(message, CTA_PROTO_DST_PORT, htons(53));
  mnl_attr_nest_end(message, protocol);
  mnl_attr_nest_end(message, tuple);
}

void BareFlows::make(Ipv4 destination, unsigned first, unsigned count, std::uint32_t mark) {
  for (unsigned i = 0; i < count; ++i) {
    const bool is_last = i % kPerSend == kPerSend - 1 || i + 1 == count;
    const Ipv4 source = htonl(0xc6120000 + first + i);
    nlmsghdr* flow = message(IPCTNL_MSG_CT_NEW, NLM_F_CREATE | (is_last ? NLM_F_ACK : 0));
    put_tuple(flow, CTA_TUPLE_ORIG, source, destination);
    put_tuple(flow, CTA_TUPLE_REPLY, destination, source);
    mnl_attr_put_u32(flow, CTA_TIMEOUT, htonl(kTimeout));
    if (mark != 0) mnl_attr_put_u32(flow, CTA_MARK, htonl(mark));
    used_ += flow->nlmsg_len;
    if (is_last) socket_.send(buffer_.data(), std::exchange(used_, 0));
  }
}

void BareFlows::remove(Ipv4 floating) {
  remove_by(CTA_TUPLE_ORIG, CTA_FILTER_ORIG_FLAGS, floating);
  remove_by(CTA_TUPLE_REPLY, CTA_FILTER_REPLY_FLAGS, floating);
}

void BareFlows::remove_marked(std::uint32_t mark, std::uint32_t mask) {
  nlmsghdr* request = message(IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
  mnl_attr_put_u32(request, CTA_MARK, htonl(mark));
  mnl_attr_put_u32(request, CTA_MARK_MASK, htonl(mask));
  socket_.send(request, request->nlmsg_len);
}

void BareFlows::remove_by(std::uint16_t tuple_type, std::uint16_t flags, Ipv4 destination) {
  nlmsghdr* request = message(IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
  nlattr* tuple = mnl_attr_nest_start(request, tuple_type);
  nlattr* addresses = mnl_attr_nest_start(request, CTA_TUPLE_IP);
  mnl_attr_put_u32(request, CTA_IP_V4_DST, destination);
  mnl_attr_nest_end(request, addresses);
  mnl_attr_nest_end(request, tuple);
  nlattr* filter = mnl_attr_nest_start(request, CTA_FILTER);
  mnl_attr_put_u32(request, flags, kFilterDestination);
  mnl_attr_nest_end(request, filter);
  socket_.send(request, request->nlmsg_len);
}

}  // namespace novaplane::bench
