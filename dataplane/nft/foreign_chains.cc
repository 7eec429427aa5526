#include "dataplane/nft/foreign_rules.h"

#include <linux/if.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <functional>

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

std::uint8_t nfproto_of(const nlmsghdr* message) {
  return static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(message))->nfgen_family;
}

ForeignChain chain_of(const nlmsghdr* message, std::uint16_t table, std::uint16_t name) {
  return {std::string(name_of(nfproto_of(message))),
          std::string(text_of(find_attribute(message, table))),
          std::string(text_of(find_attribute(message, name)))};
}

/// Once, and none of a family whose packets are no guest's.
void note(std::vector<ForeignChain>& found, ForeignChain chain) {
  const bool is_known = std::find(found.begin(), found.end(), chain) != found.end();
  if (!is_known && !chain.family.empty()) found.push_back(std::move(chain));
}

/// As rules and sets hold it: sixteen bytes, the rest of them zero (IFNAMSIZ).
std::string name_bytes(const std::string& link) {
  std::string bytes = link;
  bytes.resize(IFNAMSIZ);
  return bytes;
}

/// Whose elements are asked for; otherwise all of all families.
struct Within {
  std::uint8_t family = NFPROTO_UNSPEC;
  std::string table = {}, set = {};
};

using Take = std::function<void(const nlmsghdr*)>;

/// Calls f(message) for each answer to a question for a listing. False: the tables changed
/// meanwhile, so that some may be missing.
Result<bool> list_once(Socket& socket, std::uint16_t type, const Within& within, const Take& f) {
  alignas(nlmsghdr) std::byte room[1024];
  nlmsghdr* request =
      start_message(room, message_type(type), NLM_F_REQUEST | NLM_F_DUMP, within.family, 0);
  if (!within.set.empty()) {
    put_name(request, NFTA_SET_ELEM_LIST_TABLE, within.table);
    put_name(request, NFTA_SET_ELEM_LIST_SET, within.set);
  }
  const std::uint32_t sequence = request->nlmsg_seq = socket.next_sequence();
  const iovec part{request, request->nlmsg_len};
  if (auto sent = socket.send({&part, 1}); !sent) return tl::unexpected(sent.error());
  bool whole = true;
  for (;;) {
    const auto datagram = socket.receive();
    if (!datagram) return tl::unexpected(datagram.error());
    int left = static_cast<int>(datagram->size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram->data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence) continue;
      if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) whole = false;
      if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
        const int code = errno_of(header);
        if (code == 0) return whole;
        return failure("list the tables of others", code);
      }
      if (nft_message(header)) f(header);
    }
  }
}

/// What f is told more than once, it counts once. A table that goes meanwhile is no error.
Result<void> for_each_listed(std::uint16_t type, const Within& within, const Take& f) {
  constexpr int kAttempts = 10;
  auto socket = Socket::open();
  if (!socket) return tl::unexpected(socket.error());
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const auto whole = list_once(*socket, type, within, f);
    if (!whole && whole.error().code == ENOENT) return {};
    if (!whole) return tl::unexpected(whole.error());
    if (*whole) return {};
  }
  return failure("list the tables of others", EBUSY, "they change faster than they can be listed");
}

}  // namespace

Result<void> for_each_listed(std::uint16_t type, const Take& take) {
  return for_each_listed(type, Within{}, take);
}

Result<std::vector<ForeignChain>> foreign_rules_on(const std::string& link) {
  std::vector<ForeignChain> found;
  const std::string name = name_bytes(link);
  const auto rules = for_each_listed(NFT_MSG_GETRULE, {}, [&](const nlmsghdr* message) {
    const auto bytes = bytes_of(find_attribute(message, NFTA_RULE_EXPRESSIONS));
    if (!ours(message) && bytes.find(name) != bytes.npos) {
      note(found, chain_of(message, NFTA_RULE_TABLE, NFTA_RULE_CHAIN));
    }
  });
  if (!rules) return tl::unexpected(rules.error());
  std::vector<std::pair<std::uint8_t, ForeignChain>> sets;
  const auto listed = for_each_listed(NFT_MSG_GETSET, {}, [&](const nlmsghdr* message) {
    const auto key = u32_of(find_attribute(message, NFTA_SET_KEY_LEN));
    if (ours(message) || key < name.size()) return;
    sets.emplace_back(nfproto_of(message), chain_of(message, NFTA_SET_TABLE, NFTA_SET_NAME));
  });
  if (!listed) return tl::unexpected(listed.error());
  for (const auto& [family, set] : sets) {
    const auto elements =
        for_each_listed(NFT_MSG_GETSETELEM, {family, set.table, set.name},
                        [&, &set = set](const nlmsghdr* message) {
                          const auto* list = find_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
                          const auto bytes = bytes_of(list);
                          if (bytes.find(name) != bytes.npos) note(found, set);
                        });
    if (!elements) return tl::unexpected(elements.error());
  }
  return found;
}

}  // namespace novaplane::nft
