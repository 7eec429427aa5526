#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "dataplane/nft/elements.h"
#include "dataplane/nft/fields.h"
#include "dataplane/nft/rule.h"
#include "dataplane/nft/transaction.h"

namespace novaplane::nft {
namespace {

/// The range as a prefix where it is one: its bounds share a head, then all 0 and all 1.
std::optional<Prefix> as_prefix(const ElementKey& key) {
  const auto* first = reinterpret_cast<const std::uint8_t*>(key.key.view().data());
  const auto address = IpAddress::from_bytes({first, key.key.size()});
  for (unsigned length = 0; address && length <= address->bits(); ++length) {
    const Prefix prefix{*address, static_cast<std::uint8_t>(length)};
    const IpAddress last = prefix.broadcast();
    if (prefix.is_range() &&
        std::memcmp(last.bytes().data(), key.key_end.view().data(), key.key_end.size()) == 0)
      return prefix;
  }
  return std::nullopt;
}

/// `0:1 . 10.0.0.0-10.0.255.255 . tcp . 80`
std::string box_text(const std::vector<Field>& fields, std::string_view first,
                     std::string_view last) {
  std::string text;
  for (const Field field : fields) {
    const std::size_t size = std::min({padded(size_of(field)), first.size(), last.size()});
    const std::string low = to_text(field, first.substr(0, size));
    const std::string high = to_text(field, last.substr(0, size));
    if (!text.empty()) text += " . ";
    text += low == high ? low : fmt::format("{}-{}", low, high);
    first.remove_prefix(size);
    last.remove_prefix(size);
  }
  return text;
}

std::string key_text(const Set& set, const ElementKey& key) {
  const std::string first = to_text(set.key, key.key);
  if (key.key_end.empty() || key.key_end == key.key) return first;
  if (set.key.size() > 1) return box_text(set.key, key.key, key.key_end);
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

using Part = RulesetRepair::Part;
using What = Part::What;

std::string rules_text(const Ruleset& ruleset, const Part& part) {
  std::string text;
  for (const Rule& rule : ruleset.rules) {
    if (rule.family == part.family && rule.chain == part.name) {
      text += fmt::format("add rule {} {} {} {}\n", to_string(part.family), kTable, part.name,
                          to_text(rule));
    }
  }
  return text;
}

std::string head_text(const Ruleset& ruleset, const Part& part) {
  const std::string table = fmt::format("{} {}", to_string(part.family), kTable);
  switch (part.what) {
    case What::table:
      return fmt::format("add table {0}\ndelete table {0}\n{1}", table,
                         to_text(ruleset, part.family));
    case What::set:
      return declaration_of_set(ruleset, part.family, part.name);
    case What::chain:
      return declaration_of_chain(ruleset, part.family, part.name);
    case What::rules:
    case What::leftover_chain:
      return fmt::format("flush chain {} {}\n", table, part.name);
    case What::leftover_set:
      break;
  }
  return {};
}

std::string leftover_text(const Part& part) {
  const bool is_set = part.what == What::leftover_set;
  if (!is_set && part.what != What::leftover_chain) return {};
  return fmt::format("delete {} {} {} {}\n", is_set ? "set" : "chain", to_string(part.family),
                     kTable, part.name);
}

std::string join(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, "; "));
}

/// The names of all parts of one kind in one table: "sets a, b", "chain c"; empty: there are none.
std::string names_of(const RulesetRepair& repair, Family family, std::string_view noun,
                     std::initializer_list<What> whats) {
  std::vector<std::string_view> names;
  for (const Part& part : repair.parts) {
    const bool is_meant =
        part.family == family && std::find(whats.begin(), whats.end(), part.what) != whats.end();
    if (is_meant) names.push_back(part.name);
  }
  if (names.empty()) return {};
  return fmt::format("{}{} {}", noun, names.size() > 1 ? "s" : "", fmt::join(names, ", "));
}

}  // namespace

bool RulesetRepair::rewrites_table(Family family) const {
  return std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
    return part.family == family && part.what == What::table;
  });
}

std::string RulesetRepair::what() const {
  std::vector<std::string> words;
  for (const Family family : {Family::inet, Family::bridge}) {
    const auto table = fmt::format("table {} {}", to_string(family), kTable);
    if (rewrites_table(family)) words.push_back("write " + table);
    const auto tell = [&](std::string_view verb, std::string_view preposition,
                          const std::string& names) {
      if (!names.empty())
        words.push_back(fmt::format("{} {} {} {}", verb, names, preposition, table));
    };
    tell("add", "to", names_of(*this, family, "set", {What::set}));
    tell("write", "of", names_of(*this, family, "chain", {What::chain, What::rules}));
    tell("remove", "from", names_of(*this, family, "set", {What::leftover_set}));
    tell("remove", "from", names_of(*this, family, "chain", {What::leftover_chain}));
  }
  return join(words);
}

std::string RulesetRepair::why() const {
  std::vector<std::string> words;
  for (const Family family : {Family::inet, Family::bridge}) {
    const auto tell = [&](std::string_view what, std::string_view why) {
      words.push_back(fmt::format("{} {}{}: {}", to_string(family), kTable, what, why));
    };
    const auto tell_all = [&](const std::string& names, std::string_view why) {
      if (!names.empty()) tell(" " + names, why);
    };
    tell_all(names_of(*this, family, "set", {What::set}), "missing");
    tell_all(names_of(*this, family, "chain", {What::chain}), "missing");
    for (const Part& part : parts) {
      if (part.family != family) continue;
      if (part.what == What::table) tell("", part.words);
      if (part.what == What::rules) tell(" chain " + part.name, part.words);
    }
    tell_all(names_of(*this, family, "set", {What::leftover_set}), "not in use");
    tell_all(names_of(*this, family, "chain", {What::leftover_chain}), "not in use");
  }
  return join(words);
}

std::string to_text(const Set& set, const ElementKey& key, const Element* element) {
  std::string text = key_text(set, key);
  if (element == nullptr) return text;
  if (set.limits) {
    const Limit limit = limit_of(element->data);
    text += set.limits_packets ? fmt::format(" limit rate over {}/second burst {} packets",
                                             limit.rate, limit.burst)
                               : fmt::format(" limit rate over {} bytes/second burst {} bytes",
                                             limit.rate, limit.burst);
  }
  if (!element->comment.empty()) text += fmt::format(" comment \"{}\"", element->comment.view());
  if (!set.data.empty()) text += " : " + to_text(set.data, element->data);
  return text;
}

std::string to_text(const Ruleset& ruleset, const Transaction& transaction) {
  std::string text;
  const auto& parts = transaction.repair.parts;
  for (const Part& part : parts) text += head_text(ruleset, part);
  for (const Part& part : parts) {
    if (part.what == What::rules || part.what == What::chain) text += rules_text(ruleset, part);
  }
  for (const ElementKey& key : transaction.remove) text += command(ruleset, "delete", key, nullptr);
  for (const auto& [key, element] : transaction.add) text += command(ruleset, "add", key, &element);
  for (const Part& part : parts) text += leftover_text(part);
  return text;
}

}  // namespace novaplane::nft
