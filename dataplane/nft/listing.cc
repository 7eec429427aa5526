#include "dataplane/nft/listing.h"

#include <fmt/format.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstring>

#include "dataplane/base/netlink_io.h"
#include "dataplane/nft/ruleset_messages.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

RuleDigest identity_in(const nlmsghdr* rule) {
  const std::string_view all = bytes_of(find_attribute(rule, NFTA_RULE_USERDATA));
  const std::string_view value = userdata(all, kUserdataDigest);
  RuleDigest identity = 0;
  if (value.size() == sizeof(identity)) std::memcpy(&identity, value.data(), sizeof(identity));
  return identity;
}

SeenChain chain_in(const nlmsghdr* message) {
  const nlattr* hook = find_attribute(message, NFTA_CHAIN_HOOK);
  const auto priority = u32_of(find_attribute(hook, NFTA_HOOK_PRIORITY));
  return {std::string(text_of(find_attribute(message, NFTA_CHAIN_TYPE))),
          u32_of(find_attribute(hook, NFTA_HOOK_HOOKNUM)),
          static_cast<std::int32_t>(priority),
          u32_of(find_attribute(message, NFTA_CHAIN_POLICY)),
          {}};
}

SeenSet set_in(const nlmsghdr* message) {
  const auto number = [&](std::uint16_t type) { return u32_of(find_attribute(message, type)); };
  return {number(NFTA_SET_FLAGS), number(NFTA_SET_KEY_TYPE), number(NFTA_SET_KEY_LEN),
          number(NFTA_SET_DATA_TYPE), number(NFTA_SET_DATA_LEN)};
}

/// A listing goes on at the n-th element of a hash table. While the kernel grows the table (for a
/// while after many additions, net/netfilter/nft_set_hash.c and lib/rhashtable.c) the n-th is
/// another one each time: some elements come twice, and as many are missing.
bool has_repetition(std::span<const std::pair<ElementKey, Element>> elements) {
  std::vector<std::size_t> hashes;
  hashes.reserve(elements.size());
  for (const auto& [key, element] : elements)
    hashes.push_back(std::hash<std::string_view>{}(key.key));
  std::sort(hashes.begin(), hashes.end());
  return std::adjacent_find(hashes.begin(), hashes.end()) != hashes.end();
}

std::string words_of(int code) {
  return code == EINVAL || code == EOPNOTSUPP ? "the kernel lacks CONFIG_NF_TABLES" : "";
}

}  // namespace

nlmsghdr* Listing::request(std::uint16_t type, std::uint16_t flags, Family family) {
  nlmsghdr* header = start_message(request_, message_type(type), NLM_F_REQUEST | flags,
                                   protocol_family(family), 0);
  header->nlmsg_seq = sequence_ = socket_.next_sequence();
  return header;
}

Result<void> Listing::ask(nlmsghdr* request, std::string_view what, const Handler& handle) {
  const bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  const iovec part{request, request->nlmsg_len};
  if (auto sent = socket_.send({&part, 1}); !sent) return sent;
  for (;;) {
    const auto datagram = socket_.receive();
    if (!datagram) {
      discard_waiting(socket_.fd());
      return tl::unexpected(datagram.error());
    }
    int left = static_cast<int>(datagram->size());
    const auto* header = reinterpret_cast<const nlmsghdr*>(datagram->data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence_) continue;
      if (header->nlmsg_flags & NLM_F_DUMP_INTR) interrupted_ = true;
      if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
        const int code = errno_of(header);
        if (code == ENOENT || code == 0) return {};
        return failure(std::string(what), code, words_of(code));
      }
      if (nft_message(header)) handle(header);
      if (!dump) return {};
    }
  }
}

Result<std::uint32_t> Listing::generation() {
  std::optional<std::uint32_t> id;
  const auto asked = ask(request(NFT_MSG_GETGEN, 0, Family::inet), "read nf_tables",
                         [&](const nlmsghdr* m) { id = u32_of(find_attribute(m, NFTA_GEN_ID)); });
  if (!asked) return tl::unexpected(asked.error());
  if (!id) return failure("read nf_tables", 0, "the kernel does not tell a generation");
  return *id;
}

Result<SeenTable> Listing::table(Family family) {
  SeenTable table;
  nlmsghdr* get = request(NFT_MSG_GETTABLE, 0, family);
  put_name(get, NFTA_TABLE_NAME, kTable);
  const auto asked = ask(get, "read a table", [&](const nlmsghdr* message) {
    table.there = true;
    table.flags = u32_of(find_attribute(message, NFTA_TABLE_FLAGS));
  });
  if (!asked) return tl::unexpected(asked.error());
  if (!table.there) return table;
  for (const auto part : {&Listing::chains, &Listing::rules, &Listing::sets}) {
    if (auto read = (this->*part)(family, table); !read) return tl::unexpected(read.error());
  }
  return table;
}

/// The kernel goes on at the n-th chain of all tables, so one of another's that comes or goes may
/// hide one of ours; rules, sets and elements are counted within our own table. It is short.
Result<void> Listing::chains(Family family, SeenTable& table) {
  constexpr int kAttempts = 20;
  const auto note = [&](const nlmsghdr* m) {
    if (ours(m)) table.chains.emplace(text_of(find_attribute(m, NFTA_CHAIN_NAME)), chain_in(m));
  };
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    table.chains.clear();
    interrupted_ = false;
    auto asked = ask(request(NFT_MSG_GETCHAIN, NLM_F_DUMP, family), "list chains", note);
    if (!asked || !interrupted_) return asked;
  }
  torn_ = true;
  return {};
}

Result<void> Listing::rules(Family family, SeenTable& table) {
  nlmsghdr* get = request(NFT_MSG_GETRULE, NLM_F_DUMP, family);
  put_name(get, NFTA_RULE_TABLE, kTable);
  return ask(get, "list rules", [&](const nlmsghdr* message) {
    const auto chain = table.chains.find(text_of(find_attribute(message, NFTA_RULE_CHAIN)));
    if (ours(message) && chain != table.chains.end()) {
      chain->second.rules.push_back(identity_in(message));
    }
  });
}

Result<void> Listing::sets(Family family, SeenTable& table) {
  nlmsghdr* get = request(NFT_MSG_GETSET, NLM_F_DUMP, family);
  put_name(get, NFTA_SET_TABLE, kTable);
  return ask(get, "list sets", [&](const nlmsghdr* m) {
    if (ours(m)) table.sets.emplace(text_of(find_attribute(m, NFTA_SET_NAME)), set_in(m));
  });
}

Result<void> Listing::each(const Set& set, const std::function<void(const RawElement&)>& handle) {
  nlmsghdr* get = request(NFT_MSG_GETSETELEM, NLM_F_DUMP, set.name.family);
  put_name(get, NFTA_SET_ELEM_LIST_TABLE, kTable);
  put_name(get, NFTA_SET_ELEM_LIST_SET, set.name.name);
  return ask(get, "list elements",
             [&](const nlmsghdr* message) { for_each_element(message, handle); });
}

Result<void> Listing::elements(const Set& set, std::vector<std::pair<ElementKey, Element>>& out) {
  Ranges ranges;
  const std::size_t before = out.size();
  const auto asked = each(set, [&](const RawElement& raw) {
    if (set.interval && set.key.size() == 1) {
      ranges.add(raw);
    } else {
      out.push_back(to_value(set, raw));
    }
  });
  for (auto& joined : std::move(ranges).join(set)) out.push_back(std::move(joined));
  if (has_repetition(std::span(out).subspan(before))) torn_ = true;
  return asked;
}

}  // namespace novaplane::nft
