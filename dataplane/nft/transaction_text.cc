#include <fmt/format.h>

#include <cstring>

#include "dataplane/nft/elements.h"
#include "dataplane/nft/fields.h"
#include "dataplane/nft/rule.h"
#include "dataplane/nft/transaction.h"

namespace novaplane::nft {
namespace {

/// The range as a prefix where it is one: its bounds share a head, then all 0 and all 1.
std::optional<Prefix> as_prefix(const ElementKey& key) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(key.key.data());
  const auto address = IpAddress::from_bytes({first, key.key.size()});
  for (unsigned length = 0; address && length <= address->bits(); ++length) {
    const Prefix prefix{*address, static_cast<std::uint8_t>(length)};
    const IpAddress last = prefix.broadcast();
    if (prefix.is_range() &&
        std::memcmp(last.bytes().data(), key.key_end.data(), key.key_end.size()) == 0)
      return prefix;
  }
  return std::nullopt;
}

std::string key_text(const Set& set, const ElementKey& key) {
  const std::string first = to_text(set.key, key.key);
  if (key.key_end.empty() || key.key_end == key.key) return first;
  const bool addresses = set.key.front() == Field::ipv4_addr || set.key.front() == Field::ipv6_addr;
  const auto prefix = addresses ? as_prefix(key) : std::nullopt;
  return prefix ? prefix->to_string() : fmt::format("{}-{}", first, to_text(set.key, key.key_end));
}

std::string command(const Ruleset& ruleset, std::string_view verb, const ElementKey& key,
                    const Element* element) {
  const Set* set = find_set(ruleset, key.set);
  return fmt::format("{} element {} {} {} {{ {} }}\n", verb, to_string(key.set.family), kTable,
                     key.set.name, set ? to_text(*set, key, element) : "?");
}

std::string repair_text(const Ruleset& ruleset, const RulesetRepair::Part& part) {
  const std::string table = fmt::format("{} {}", to_string(part.family), kTable);
  if (part.chain.empty()) {
    return fmt::format("add table {0}\ndelete table {0}\n{1}", table,
                       to_text(ruleset, part.family));
  }
  std::string text = fmt::format("flush chain {} {}\n", table, part.chain);
  for (const Rule& rule : ruleset.rules) {
    if (rule.family == part.family && rule.chain == part.chain)
      text += fmt::format("add rule {} {} {}\n", table, part.chain, to_text(rule));
  }
  return text;
}

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, "; "));
}

}  // namespace

bool RulesetRepair::rewrites_table(Family family) const {
  return std::any_of(parts.begin(), parts.end(),
                     [&](const Part& part) { return part.family == family && part.chain.empty(); });
}

std::string RulesetRepair::what() const {
  std::vector<std::string> words;
  for (const Part& part : parts) {
    const auto table = fmt::format("table {} {}", to_string(part.family), kTable);
    words.push_back(part.chain.empty() ? "write " + table
                                       : fmt::format("write chain {} of {}", part.chain, table));
  }
  return join(words);
}

std::string RulesetRepair::why() const {
  std::vector<std::string> words;
  for (const Part& part : parts) {
    const auto chain = part.chain.empty() ? "" : fmt::format(" chain {}", part.chain);
    words.push_back(fmt::format("{} {}{}: {}", to_string(part.family), kTable, chain, part.words));
  }
  return join(words);
}

std::string to_text(const Set& set, const ElementKey& key, const Element* element) {
  std::string text = key_text(set, key);
  if (element == nullptr) return text;
  if (set.limits) {
    const Limit limit = limit_of(element->data);
    text += fmt::format(" limit rate over {} bytes/second burst {} bytes", limit.rate, limit.burst);
  }
  if (!element->comment.empty()) text += fmt::format(" comment \"{}\"", element->comment);
  if (!set.data.empty()) text += " : " + to_text(set.data, element->data);
  return text;
}

std::string to_text(const Ruleset& ruleset, const Transaction& transaction) {
  std::string text;
  for (const auto& part : transaction.repair.parts) text += repair_text(ruleset, part);
  for (const ElementKey& key : transaction.remove) text += command(ruleset, "delete", key, nullptr);
  for (const auto& [key, element] : transaction.add) text += command(ruleset, "add", key, &element);
  return text;
}

}  // namespace novaplane::nft
