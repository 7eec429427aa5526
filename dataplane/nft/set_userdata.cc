#include "dataplane/nft/set_userdata.h"

#include <libnftnl/udata.h>

#include <algorithm>

/// The numbers are nft's own, which it keeps from version to version, since what the kernel holds
/// has to be read by the next one (its include/expression.h, include/proto.h, include/meta.h).
namespace novaplane::nft {
namespace {

constexpr std::uint32_t kNoOrder = 0, kHostOrder = 1, kBigEndian = 2;
constexpr std::uint32_t kPayload = 7, kMeta = 9, kConcatenation = 13;

void append(std::string& all, std::uint8_t type, std::uint32_t number) {
  append_userdata(all, type, {reinterpret_cast<const char*>(&number), sizeof(number)});
}

std::uint32_t byte_order(const std::vector<Field>& fields) {
  if (fields.size() != 1) return kNoOrder;
  const bool is_hosts = fields.front() == Field::ifname || fields.front() == Field::classid;
  return is_hosts ? kHostOrder : kBigEndian;
}

bool is_untyped(Field field) {
  return field == Field::icmp_id || field == Field::nd_target || field == Field::nd_mac ||
         field == Field::ra_lifetime || field == Field::icmpv6_id || field == Field::ip_id ||
         field == Field::frag_id || field == Field::ipv6_prefix;
}

/// What nft calls an expression: its kind, and what its kind needs.
std::string expression(std::uint32_t kind, std::string_view data) {
  std::string all;
  append(all, NFTNL_UDATA_SET_TYPEOF_EXPR, kind);
  append_userdata(all, NFTNL_UDATA_SET_TYPEOF_DATA, data);
  return all;
}

/// A field of a header that nft knows by number.
std::string known_field(std::uint32_t header, std::uint32_t field) {
  std::string data;
  append(data, 0, header);
  append(data, 1, field);
  return expression(kPayload, data);
}

/// `@th,64,128`: offset and size in bits.
std::string header_bits(std::uint32_t header, std::uint32_t offset, std::uint32_t size) {
  std::string data;
  append(data, 0, 0);
  append(data, 1, 0);
  append(data, 2, header);
  append(data, 3, offset);
  append(data, 4, size);
  return expression(kPayload, data);
}

/// NFT_META_*.
std::string meta(std::uint32_t key) {
  std::string data;
  append(data, 0, key);
  return expression(kMeta, data);
}

std::string frag_id() {
  constexpr std::uint32_t kExtensionHeader = 8, kFragment = 6, kId = 6;
  std::string data;
  append(data, 0, kFragment);
  append(data, 1, kId);
  return expression(kExtensionHeader, data);
}

/// `ip saddr` for any IPv4 address: nft compares types, not selectors.
std::string origin_of(Field field) {
  constexpr std::uint32_t kPriority = 2, kIifname = 6;
  constexpr std::uint32_t kIcmp = 4, kId = 4, kIp = 12, kSaddr = 11, kIpId = 6, kIp6 = 13,
                          kSaddr6 = 8, kIcmpv6 = 14, kIcmpv6Id = 6, kNetwork = 2, kTransport = 3;
  switch (field) {
    case Field::ifname:
      return meta(kIifname);
    case Field::classid:
      return meta(kPriority);
    case Field::ipv4_addr:
      return known_field(kIp, kSaddr);
    case Field::ipv6_addr:
      return known_field(kIp6, kSaddr6);
    case Field::icmp_id:
      return known_field(kIcmp, kId);
    case Field::icmpv6_id:
      return known_field(kIcmpv6, kIcmpv6Id);
    case Field::ip_id:
      return known_field(kIp, kIpId);
    case Field::frag_id:
      return frag_id();
    case Field::nd_target:
      return header_bits(kTransport, 64, 128);
    case Field::nd_mac:
      return header_bits(kTransport, 208, 48);
    case Field::ra_lifetime:
      return header_bits(kTransport, 48, 16);
    case Field::ipv6_prefix:
      return header_bits(kNetwork, 64, 64);
    default:
      return {};  // stands in no such set
  }
}

std::string origin_of(const std::vector<Field>& fields) {
  if (fields.size() == 1) return origin_of(fields.front());
  std::string all;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    append_userdata(all, static_cast<std::uint8_t>(i), origin_of(fields[i]));
  }
  return expression(kConcatenation, all);
}

}  // namespace

void append_userdata(std::string& all, std::uint8_t type, std::string_view value) {
  all += static_cast<char>(type);
  all += static_cast<char>(value.size());
  all += value;
}

bool has_typeof(const Set& set) {
  return std::ranges::any_of(set.key, is_untyped) || std::ranges::any_of(set.data, is_untyped);
}

std::string userdata_of(const Set& set) {
  std::string all;
  append(all, NFTNL_UDATA_SET_KEYBYTEORDER, byte_order(set.key));
  if (!set.data.empty()) append(all, NFTNL_UDATA_SET_DATABYTEORDER, byte_order(set.data));
  if (!has_typeof(set)) return all;
  append_userdata(all, NFTNL_UDATA_SET_KEY_TYPEOF, origin_of(set.key));
  if (!set.data.empty()) {
    append_userdata(all, NFTNL_UDATA_SET_DATA_TYPEOF, origin_of(set.data));
  }
  return all;
}

}  // namespace novaplane::nft
