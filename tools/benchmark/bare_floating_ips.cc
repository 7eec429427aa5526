#include "tools/benchmark/bare_floating_ips.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <cstring>

namespace novaplane::bench {
namespace {

constexpr std::uint8_t kProtocol = 110;
constexpr char kTable[] = "novaplane";
constexpr char kFloatingToFixed[] = "floating_to_fixed", kFixedToFloating[] = "fixed_to_floating";

}  // namespace

BareFloatingIps::BareFloatingIps(const Site& site)
    : nftables_(site, NETLINK_NETFILTER), rtnetlink_(site, NETLINK_ROUTE) {
  const Site::Visit visit(site);
  lo_ = if_nametoindex("lo");
}

nlmsghdr* BareFloatingIps::message(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                                   std::uint16_t resource) {
  nlmsghdr* header = mnl_nlmsg_put_header(end_);
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | flags;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = family;
  generic->version = NFNETLINK_V0;
  generic->res_id = htons(resource);
  return header;
}

void BareFloatingIps::begin() {
  end_ = buffer_.data();
  end_ += message(NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
}

void BareFloatingIps::element(std::uint16_t type, const char* map, Ipv4 key, Ipv4 data,
                              std::string_view comment) {
  const bool adds = type == NFT_MSG_NEWSETELEM;
  last_ = message(static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type),
                  adds ? NLM_F_CREATE | NLM_F_EXCL : 0, NFPROTO_INET, 0);
  mnl_attr_put_strz(last_, NFTA_SET_ELEM_LIST_TABLE, kTable);
  mnl_attr_put_strz(last_, NFTA_SET_ELEM_LIST_SET, map);
  nlattr* list = mnl_attr_nest_start(last_, NFTA_SET_ELEM_LIST_ELEMENTS);
  nlattr* element = mnl_attr_nest_start(last_, NFTA_LIST_ELEM);
  nlattr* value = mnl_attr_nest_start(last_, NFTA_SET_ELEM_KEY);
  mnl_attr_put(last_, NFTA_DATA_VALUE, sizeof(key), &key);
  mnl_attr_nest_end(last_, value);
  if (adds) {
    value = mnl_attr_nest_start(last_, NFTA_SET_ELEM_DATA);
    mnl_attr_put(last_, NFTA_DATA_VALUE, sizeof(data), &data);
    mnl_attr_nest_end(last_, value);
    char userdata[64] = {0, static_cast<char>(comment.size() + 1)};
    std::memcpy(userdata + 2, comment.data(), comment.size());
    mnl_attr_put(last_, NFTA_SET_ELEM_USERDATA, 2 + comment.size() + 1, userdata);
  }
  mnl_attr_nest_end(last_, element);
  mnl_attr_nest_end(last_, list);
  end_ += last_->nlmsg_len;
}

void BareFloatingIps::commit() {
  last_->nlmsg_flags |= NLM_F_ACK;
  end_ += message(NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_len;
  nftables_.send(buffer_.data(), static_cast<std::size_t>(end_ - buffer_.data()));
}

void BareFloatingIps::route(std::uint16_t type, std::uint16_t flags, Ipv4 destination) {
  nlmsghdr* header = mnl_nlmsg_put_header(buffer_.data());
  header->nlmsg_type = type;
  header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
  auto* route = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(rtmsg)));
  route->rtm_family = AF_INET;
  route->rtm_dst_len = 32;
  route->rtm_table = RT_TABLE_LOCAL;
  route->rtm_protocol = kProtocol;
  route->rtm_scope = RT_SCOPE_HOST;
  route->rtm_type = RTN_LOCAL;
  mnl_attr_put_u32(header, RTA_DST, destination);
  mnl_attr_put_u32(header, RTA_OIF, lo_);
  mnl_attr_put_u32(header, RTA_PREFSRC, inet_addr("192.0.2.11"));
  rtnetlink_.send(header, header->nlmsg_len);
}

void BareFloatingIps::add(Ipv4 floating, Ipv4 fixed, std::string_view comment) {
  begin();
  element(NFT_MSG_NEWSETELEM, kFloatingToFixed, floating, fixed, comment);
  element(NFT_MSG_NEWSETELEM, kFixedToFloating, fixed, floating, comment);
  commit();
  route(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND, floating);
}

void BareFloatingIps::move(Ipv4 floating, Ipv4 from, Ipv4 to, std::string_view comment) {
  begin();
  element(NFT_MSG_DELSETELEM, kFloatingToFixed, floating, {}, {});
  element(NFT_MSG_DELSETELEM, kFixedToFloating, from, {}, {});
  element(NFT_MSG_NEWSETELEM, kFloatingToFixed, floating, to, comment);
  element(NFT_MSG_NEWSETELEM, kFixedToFloating, to, floating, comment);
  commit();
}

void BareFloatingIps::remove(Ipv4 floating, Ipv4 fixed) {
  route(RTM_DELROUTE, 0, floating);
  begin();
  element(NFT_MSG_DELSETELEM, kFloatingToFixed, floating, {}, {});
  element(NFT_MSG_DELSETELEM, kFixedToFloating, fixed, {}, {});
  commit();
}

}  // namespace novaplane::bench
