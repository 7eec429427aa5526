#include "dataplane/nft/foreign_chains.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <cstddef>

#include "dataplane/nft/socket.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

/// Empty: a family whose packets are no guest's.
std::string_view name_of(std::uint8_t family) {
  switch (family) {
    case NFPROTO_INET:
      return "inet";
    case NFPROTO_IPV4:
      return "ip";
    case NFPROTO_BRIDGE:
      return "bridge";
    default:
      return {};
  }
}

/// The hook has the same number in all three families (NF_INET_FORWARD, NF_BR_FORWARD).
bool drops_forwarded(const nlmsghdr* message) {
  const nlattr* hook = find_attribute(message, NFTA_CHAIN_HOOK);
  const nlattr* policy = find_attribute(message, NFTA_CHAIN_POLICY);
  return hook && policy && u32_of(find_attribute(hook, NFTA_HOOK_HOOKNUM)) == NF_INET_FORWARD &&
         u32_of(policy, NF_ACCEPT) == NF_DROP;
}

void collect(const nlmsghdr* message, std::vector<ForeignChain>& found) {
  const auto* header = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message));
  const std::string_view family = name_of(header->nfgen_family);
  if (family.empty() || ours(message) || !drops_forwarded(message)) return;
  found.push_back({std::string(family),
                   std::string(text_of(find_attribute(message, NFTA_CHAIN_TABLE))),
                   std::string(text_of(find_attribute(message, NFTA_CHAIN_NAME)))});
}

}  // namespace

Result<std::vector<ForeignChain>> foreign_forward_drops() {
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  alignas(nlmsghdr) std::byte room[64];
  nlmsghdr* request = start_message(room, message_type(NFT_MSG_GETCHAIN),
                                    NLM_F_REQUEST | NLM_F_DUMP, NFPROTO_UNSPEC, 0);
  const iovec part{request, request->nlmsg_len};
  if (auto sent = socket->send({&part, 1}); !sent) return tl::unexpected(sent.error());
  std::vector<ForeignChain> found;
  for (;;) {
    const auto datagram = socket->receive();
    if (!datagram) return tl::unexpected(datagram.error());
    int left = static_cast<int>(datagram->size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram->data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_type == NLMSG_DONE) return found;
      if (header->nlmsg_type == NLMSG_ERROR) {
        const int code = -static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header))->error;
        return failure("list the chains of other tables", code);
      }
      if (nft_message(header)) collect(header, found);
    }
  }
}

}  // namespace novaplane::nft
