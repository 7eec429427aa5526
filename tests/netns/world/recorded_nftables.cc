#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <system_error>

#include <fmt/format.h>

#include "tests/netns/world/process.h"
#include "tests/netns/world/recorded_bytes.h"
#include "tests/netns/world/recorded_messages.h"

namespace novaplane::netns {
namespace {

constexpr std::uint16_t nft_type(int message) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | message);
}

Bytes generic(int family, std::uint16_t resource = 0) {
  const nfgenmsg header{static_cast<std::uint8_t>(family), NFNETLINK_V0, resource};
  return header_of(header);
}

Bytes text(std::uint16_t type, const std::string& value) {
  return bytes_of(Attribute{type, value + '\0'});
}

struct Part {
  const char* name;
  int get, add;
  std::uint16_t table;  ///< the attribute that names it
  std::vector<std::uint16_t> kept;
};

const Part kParts[] = {
    {"table",
     NFT_MSG_GETTABLE,
     NFT_MSG_NEWTABLE,
     NFTA_TABLE_NAME,
     {NFTA_TABLE_NAME, NFTA_TABLE_FLAGS, NFTA_TABLE_USERDATA}},
    {"set",
     NFT_MSG_GETSET,
     NFT_MSG_NEWSET,
     NFTA_SET_TABLE,
     {NFTA_SET_TABLE, NFTA_SET_NAME, NFTA_SET_FLAGS, NFTA_SET_KEY_TYPE, NFTA_SET_KEY_LEN,
      NFTA_SET_DATA_TYPE, NFTA_SET_DATA_LEN, NFTA_SET_POLICY, NFTA_SET_DESC, NFTA_SET_TIMEOUT,
      NFTA_SET_GC_INTERVAL, NFTA_SET_USERDATA, NFTA_SET_EXPR, NFTA_SET_EXPRESSIONS}},
    {"chain",
     NFT_MSG_GETCHAIN,
     NFT_MSG_NEWCHAIN,
     NFTA_CHAIN_TABLE,
     {NFTA_CHAIN_TABLE, NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
      NFTA_CHAIN_FLAGS}},
    {"elements",
     NFT_MSG_GETSETELEM,
     NFT_MSG_NEWSETELEM,
     NFTA_SET_ELEM_LIST_TABLE,
     {NFTA_SET_ELEM_LIST_TABLE, NFTA_SET_ELEM_LIST_SET, NFTA_SET_ELEM_LIST_ELEMENTS}},
    {"rule",
     NFT_MSG_GETRULE,
     NFT_MSG_NEWRULE,
     NFTA_RULE_TABLE,
     {NFTA_RULE_TABLE, NFTA_RULE_CHAIN, NFTA_RULE_EXPRESSIONS, NFTA_RULE_COMPAT,
      NFTA_RULE_USERDATA}},
};

constexpr std::uint16_t kNested = 0x8000;  // NLA_F_NESTED

void list_part(const Talker& talker, const Part& part, int family, const Bytes& question,
               const std::string& table, const std::function<void(std::string)>& take) {
  talker.list(nft_type(part.get), generic(family) + question, [&](Bytes body) {
    std::string line = fmt::format("{} {} ", part.name, family);
    bool ours = false;
    for (const Attribute& found : attributes_of(body, sizeof(nfgenmsg))) {
      const std::uint16_t type = found.type & static_cast<std::uint16_t>(~kNested);
      if (type == part.table) ours = found.value == table + '\0';
      if (std::ranges::find(part.kept, type) != part.kept.end()) line += hex(bytes_of(found));
    }
    if (ours) take(std::move(line));
  });
}

/// The names of the sets that somebody else than packets fills.
std::vector<std::string> filled_sets(const Talker& talker, int family, const std::string& table) {
  std::vector<std::string> names;
  talker.list(nft_type(NFT_MSG_GETSET), generic(family), [&](Bytes body) {
    const auto attributes = attributes_of(body, sizeof(nfgenmsg));
    const Bytes* flags = find(attributes, NFTA_SET_FLAGS);
    std::uint32_t value = 0;
    if (flags) std::memcpy(&value, flags->data(), sizeof value);
    if (*find(attributes, NFTA_SET_TABLE) != table + '\0' || (ntohl(value) & NFT_SET_TIMEOUT))
      return;
    names.emplace_back(find(attributes, NFTA_SET_NAME)->c_str());
  });
  return names;
}

}  // namespace

Lines list_nftables(const Namespace& where, int family, const std::string& table) {
  Lines lines;
  where.inside([&] {
    const Talker talker(NETLINK_NETFILTER);
    const auto take = [&](std::string line) { lines.push_back(std::move(line)); };
    for (const Part& part : kParts) {
      if (part.get != NFT_MSG_GETSETELEM) {
        list_part(talker, part, family, {}, table, take);
        continue;
      }
      for (const std::string& set : filled_sets(talker, family, table)) {
        const Bytes question =
            text(NFTA_SET_ELEM_LIST_TABLE, table) + text(NFTA_SET_ELEM_LIST_SET, set);
        list_part(talker, part, family, question, table, take);
      }
    }
  });
  return lines;
}

void add_nftables(const Namespace& where, const Lines& lines) {
  Bytes batch = Talker::message(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST,
                                generic(AF_UNSPEC, htons(NFNL_SUBSYS_NFTABLES)));
  std::uint32_t set = 0;
  for (const std::string& line : lines) {
    const auto words = words_of(line);
    const auto part = std::ranges::find_if(
        kParts, [&](const Part& candidate) { return words.at(0) == candidate.name; });
    if (part == std::end(kParts)) throw std::runtime_error("what is that: " + line);
    Bytes body = generic(std::stoi(words.at(1))) + from_hex(words.at(2));
    if (part->add == NFT_MSG_NEWSET) {
      const std::uint32_t id = htonl(++set);
      body += bytes_of(Attribute{NFTA_SET_ID, header_of(id)});
    }
    const bool is_last = &line == &lines.back();
    batch += Talker::message(
        nft_type(part->add),
        NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND | (is_last ? NLM_F_ACK : 0), body);
  }
  batch += Talker::message(NFNL_MSG_BATCH_END, NLM_F_REQUEST,
                           generic(AF_UNSPEC, htons(NFNL_SUBSYS_NFTABLES)));
  where.inside([&] {
    const Talker talker(NETLINK_NETFILTER);
    talker.send(batch);
    if (const int code = talker.verdict(); code != 0)
      throw std::system_error(code, std::generic_category(), "restore nf_tables");
  });
}

}  // namespace novaplane::netns
