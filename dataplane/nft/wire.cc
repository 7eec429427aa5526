#include "dataplane/nft/wire.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cerrno>
#include <cstring>

namespace novaplane::nft {

std::uint16_t message_type(std::uint16_t nft_message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | nft_message);
}

std::uint8_t protocol_family(Family family) {
  return family == Family::inet ? NFPROTO_INET : NFPROTO_BRIDGE;
}

std::optional<Family> family_of(std::uint8_t protocol_family) {
  if (protocol_family == NFPROTO_INET) return Family::inet;
  if (protocol_family == NFPROTO_BRIDGE) return Family::bridge;
  return std::nullopt;
}

std::optional<std::uint16_t> nft_message(const nlmsghdr* header) {
  if (NFNL_SUBSYS_ID(header->nlmsg_type) != NFNL_SUBSYS_NFTABLES) return std::nullopt;
  if (mnl_nlmsg_get_payload_len(header) < sizeof(nfgenmsg)) return std::nullopt;
  return NFNL_MSG_TYPE(header->nlmsg_type);
}

nlmsghdr* start_message(void* place, std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                        std::uint16_t resource) {
  nlmsghdr* header = mnl_nlmsg_put_header(place);
  header->nlmsg_type = type;
  header->nlmsg_flags = flags;
  auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
  generic->nfgen_family = family;
  generic->version = NFNETLINK_V0;
  generic->res_id = htons(resource);
  return header;
}

Attributes attributes(const nlmsghdr* header, std::size_t header_size) {
  const auto* payload = static_cast<const char*>(mnl_nlmsg_get_payload_offset(header, header_size));
  const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(header));
  return Attributes(payload < end ? std::string_view(payload, end) : std::string_view());
}

Attributes nested(const nlattr* attribute) { return Attributes(bytes_of(attribute)); }

const nlattr* find_attribute(const nlmsghdr* header, std::uint16_t type) {
  for (const nlattr* attribute : attributes(header, sizeof(nfgenmsg))) {
    if (mnl_attr_get_type(attribute) == type) return attribute;
  }
  return nullptr;
}

const nlattr* find_attribute(const nlattr* nest, std::uint16_t type) {
  for (const nlattr* attribute : nested(nest)) {
    if (mnl_attr_get_type(attribute) == type) return attribute;
  }
  return nullptr;
}

std::uint32_t u32_of(const nlattr* attribute, std::uint32_t otherwise) {
  if (attribute == nullptr || mnl_attr_get_payload_len(attribute) < 4) return otherwise;
  return ntohl(mnl_attr_get_u32(attribute));
}

std::string_view bytes_of(const nlattr* attribute) {
  if (attribute == nullptr) return {};
  return {static_cast<const char*>(mnl_attr_get_payload(attribute)),
          mnl_attr_get_payload_len(attribute)};
}

std::string_view text_of(const nlattr* attribute) {
  const std::string_view bytes = bytes_of(attribute);
  return bytes.substr(0, bytes.find('\0'));
}

int errno_of(const nlmsghdr* header) {
  const bool is_error = header->nlmsg_type == NLMSG_ERROR;
  const std::size_t size = is_error ? sizeof(nlmsgerr) : sizeof(int);
  if (mnl_nlmsg_get_payload_len(header) < size) return is_error ? EBADMSG : 0;
  return -*static_cast<const int*>(mnl_nlmsg_get_payload(header));
}

std::optional<Family> ours(const nlmsghdr* header) {
  const auto* generic = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(header));
  const auto family = family_of(generic->nfgen_family);
  if (!family || text_of(find_attribute(header, NFTA_TABLE_NAME)) != kTable) return std::nullopt;
  return family;
}

void put_name(nlmsghdr* header, std::uint16_t type, std::string_view name) {
  auto* attribute = static_cast<nlattr*>(mnl_nlmsg_get_payload_tail(header));
  attribute->nla_type = type;
  attribute->nla_len = static_cast<std::uint16_t>(MNL_ATTR_HDRLEN + name.size() + 1);
  auto* place = static_cast<char*>(mnl_attr_get_payload(attribute));
  std::memset(place, 0, MNL_ALIGN(name.size() + 1));
  std::memcpy(place, name.data(), name.size());
  header->nlmsg_len += MNL_ALIGN(attribute->nla_len);
}

std::string_view userdata(std::string_view all, std::uint8_t type) {
  while (all.size() >= 2) {
    const std::size_t size = static_cast<std::uint8_t>(all[1]);
    if (all.size() < 2 + size) break;
    if (static_cast<std::uint8_t>(all[0]) == type) return all.substr(2, size);
    all.remove_prefix(2 + size);
  }
  return {};
}

}  // namespace novaplane::nft
