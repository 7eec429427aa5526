#include "dataplane/nft/elements.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>

#include "dataplane/nft/fields.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

/// Where a message is full: far below what an attribute holds (64 KiB), and beyond some hundred
/// elements nothing is gained.
constexpr std::size_t kFull = 32 * 1024;

/// A single field travels as long as it is; fields of a concatenation are padded.
std::string_view wire_bytes(const std::vector<Field>& fields, std::string_view bytes) {
  return fields.size() == 1 ? bytes.substr(0, size_of(fields)) : bytes;
}

std::string value_bytes(std::string_view wire) {
  std::string bytes(wire);
  bytes.resize(padded(bytes.size()));
  return bytes;
}

/// The next value in network order; false when there is none.
bool increment(std::string& value) {
  for (auto byte = value.rbegin(); byte != value.rend(); ++byte) {
    if (++*byte != 0) return true;
  }
  return false;
}

void decrement(std::string& value) {
  for (auto byte = value.rbegin(); byte != value.rend(); ++byte) {
    if ((*byte)-- != 0) return;
  }
}

void put_data(nlmsghdr* message, std::uint16_t type, std::string_view bytes) {
  nlattr* nest = mnl_attr_nest_start(message, type);
  mnl_attr_put(message, NFTA_DATA_VALUE, bytes.size(), bytes.data());
  mnl_attr_nest_end(message, nest);
}

void put_jump(nlmsghdr* message, std::string_view chain) {
  nlattr* data = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
  nlattr* verdict = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);
  mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl(static_cast<std::uint32_t>(NFT_JUMP)));
  put_name(message, NFTA_VERDICT_CHAIN, chain.substr(0, chain.find('\0')));
  mnl_attr_nest_end(message, verdict);
  mnl_attr_nest_end(message, data);
}

/// Of a verdict the chain; what we write are jumps.
std::string_view data_in(const nlattr* data) {
  const nlattr* verdict = find_attribute(data, NFTA_DATA_VERDICT);
  return verdict ? text_of(find_attribute(verdict, NFTA_VERDICT_CHAIN))
                 : bytes_of(find_attribute(data, NFTA_DATA_VALUE));
}

bool leads_to_chains(const Set& set) {
  return set.data.size() == 1 && set.data.front() == Field::verdict;
}

void put_limit(nlmsghdr* message, const Limit& limit, bool of_packets) {
  nlattr* expression = mnl_attr_nest_start(message, NFTA_SET_ELEM_EXPR);
  mnl_attr_put_strz(message, NFTA_EXPR_NAME, "limit");
  nlattr* values = mnl_attr_nest_start(message, NFTA_EXPR_DATA);
  mnl_attr_put_u64(message, NFTA_LIMIT_RATE, htobe64(limit.rate));
  mnl_attr_put_u64(message, NFTA_LIMIT_UNIT, htobe64(1));
  mnl_attr_put_u32(message, NFTA_LIMIT_BURST, htonl(limit.burst));
  mnl_attr_put_u32(message, NFTA_LIMIT_TYPE,
                   htonl(of_packets ? NFT_LIMIT_PKTS : NFT_LIMIT_PKT_BYTES));
  mnl_attr_put_u32(message, NFTA_LIMIT_FLAGS, htonl(NFT_LIMIT_F_INV));
  mnl_attr_nest_end(message, values);
  mnl_attr_nest_end(message, expression);
}

Limit limit_in(const nlattr* expression) {
  if (text_of(find_attribute(expression, NFTA_EXPR_NAME)) != "limit") return {};
  const nlattr* values = find_attribute(expression, NFTA_EXPR_DATA);
  const nlattr* rate = find_attribute(values, NFTA_LIMIT_RATE);
  return {rate ? be64toh(mnl_attr_get_u64(rate)) : 0,
          u32_of(find_attribute(values, NFTA_LIMIT_BURST))};
}

std::uint64_t packets_in(const nlattr* expression) {
  if (text_of(find_attribute(expression, NFTA_EXPR_NAME)) != "counter") return 0;
  const nlattr* values = find_attribute(expression, NFTA_EXPR_DATA);
  const nlattr* packets = find_attribute(values, NFTA_COUNTER_PACKETS);
  return packets ? be64toh(mnl_attr_get_u64(packets)) : 0;
}

/// Of these one element is a whole range.
bool has_ranges_in_fields(const Set& set) { return set.interval && set.key.size() > 1; }

void put_comment(nlmsghdr* message, std::string_view comment) {
  std::array<char, 2 + kLongestComment + 1> userdata;
  const std::size_t size = std::min(comment.size(), kLongestComment);
  userdata[0] = kUserdataComment;
  userdata[1] = static_cast<char>(size + 1);
  std::memcpy(&userdata[2], comment.data(), size);
  userdata[2 + size] = '\0';
  mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, 2 + size + 1, userdata.data());
}

RawElement parse(const nlattr* attribute) {
  RawElement element;
  for (const nlattr* field : nested(attribute)) {
    switch (mnl_attr_get_type(field)) {
      case NFTA_SET_ELEM_KEY:
        element.key = bytes_of(find_attribute(field, NFTA_DATA_VALUE));
        break;
      case NFTA_SET_ELEM_KEY_END:
        element.key_end = bytes_of(find_attribute(field, NFTA_DATA_VALUE));
        break;
      case NFTA_SET_ELEM_DATA:
        element.data = data_in(field);
        break;
      case NFTA_SET_ELEM_FLAGS:
        element.end = (u32_of(field) & NFT_SET_ELEM_INTERVAL_END) != 0;
        break;
      case NFTA_SET_ELEM_USERDATA:
        element.comment = userdata(bytes_of(field), kUserdataComment);
        element.comment = element.comment.substr(0, element.comment.find('\0'));
        break;
      case NFTA_SET_ELEM_EXPR:
        element.limit = limit_in(field);
        element.packets = packets_in(field);
        break;
      default:
        break;
    }
  }
  return element;
}

}  // namespace

const Set* find_set(const Ruleset& ruleset, SetName name) {
  for (const auto* sets : {&ruleset.sets, &ruleset.idle_sets}) {
    for (const Set& set : *sets) {
      if (set.name == name) return &set;
    }
  }
  return nullptr;
}

void ElementsBySet::clear() {
  for (auto& indices : by_set) indices.clear();
  sets.clear();
  written.clear();
}

void ElementsBySet::add(const Set* set, std::uint32_t index) {
  const auto place =
      static_cast<std::size_t>(std::find(sets.begin(), sets.end(), set) - sets.begin());
  if (place == sets.size()) sets.push_back(set);
  if (by_set.size() < sets.size()) by_set.emplace_back();
  by_set[place].push_back(index);
}

void ElementMessages::put(const Set& set, const ElementKey& key, const Element* element,
                          std::size_t position) {
  if (set_ != &set || message_->nlmsg_len > kFull) {
    finish();
    start(set, position, Existing::refused);
  }
  const std::string_view data = !element     ? std::string_view()
                                : set.limits ? element->data.view()
                                             : wire_bytes(set.data, element->data);
  put_element(wire_bytes(set.key, key.key), false, data,
              element ? element->comment.view() : std::string_view(),
              has_ranges_in_fields(set) ? key.key_end.view() : std::string_view());
  if (!set.interval || has_ranges_in_fields(set)) return;
  std::string after(wire_bytes(set.key, key.key_end.empty() ? key.key.view() : key.key_end.view()));
  if (increment(after)) put_element(after, true, {}, {});
}

void ElementMessages::note(const Set& set, const ElementKey& key, std::size_t position) {
  if (set_ != &set || message_->nlmsg_len > kFull) {
    finish();
    start(set, position, Existing::kept);
  }
  put_element(wire_bytes(set.key, key.key), false, {}, {});
}

void ElementMessages::start(const Set& set, std::size_t position, Existing existing) {
  const bool adds = kind_ == Batch::Subject::Kind::add;
  set_ = &set;
  message_ = batch_.message(adds ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM,
                            !adds                        ? 0
                            : existing == Existing::kept ? NLM_F_CREATE
                                                         : NLM_F_CREATE | NLM_F_EXCL,
                            {kind_, position, set.name.family});
  put_name(message_, NFTA_SET_ELEM_LIST_TABLE, kTable);
  put_name(message_, NFTA_SET_ELEM_LIST_SET, set.name.name);
  list_ = mnl_attr_nest_start(message_, NFTA_SET_ELEM_LIST_ELEMENTS);
}

void ElementMessages::finish() {
  if (set_ != nullptr) mnl_attr_nest_end(message_, list_);
  set_ = nullptr;
}

void ElementMessages::put_element(std::string_view key, bool end, std::string_view data,
                                  std::string_view comment, std::string_view key_end) {
  nlattr* nest = mnl_attr_nest_start(message_, NFTA_LIST_ELEM);
  if (end) mnl_attr_put_u32(message_, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
  put_data(message_, NFTA_SET_ELEM_KEY, key);
  if (!key_end.empty()) put_data(message_, NFTA_SET_ELEM_KEY_END, key_end);
  if (set_->limits && !data.empty()) {
    put_limit(message_, limit_of(data), set_->limits_packets);
  } else if (!data.empty() && leads_to_chains(*set_)) {
    put_jump(message_, data);
  } else if (!data.empty()) {
    put_data(message_, NFTA_SET_ELEM_DATA, data);
  }
  if (!comment.empty()) put_comment(message_, comment);
  mnl_attr_nest_end(message_, nest);
}

std::optional<std::size_t> element_at(const nlmsghdr* message, std::size_t offset) {
  const nlattr* list = find_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
  std::size_t seen = 0;
  for (const nlattr* attribute : nested(list)) {
    if (!parse(attribute).end) ++seen;
    const auto here =
        reinterpret_cast<const char*>(attribute) - reinterpret_cast<const char*>(message);
    if (static_cast<std::size_t>(here) == offset) return seen - 1;
  }
  return std::nullopt;
}

std::size_t count_elements(const nlmsghdr* message) {
  std::size_t count = 0;
  for_each_element(message, [&](const RawElement& element) { count += element.end ? 0 : 1; });
  return count;
}

std::string_view set_of(const nlmsghdr* message) {
  return text_of(find_attribute(message, NFTA_SET_ELEM_LIST_SET));
}

void for_each_element(const nlmsghdr* message,
                      const std::function<void(const RawElement&)>& handle) {
  const nlattr* list = find_attribute(message, NFTA_SET_ELEM_LIST_ELEMENTS);
  for (const nlattr* attribute : nested(list)) handle(parse(attribute));
}

std::pair<ElementKey, Element> to_value(const Set& set, const RawElement& raw) {
  std::string data = set.limits             ? Bytes().limit(raw.limit.rate, raw.limit.burst).take()
                     : leads_to_chains(set) ? Bytes().jump(raw.data).take()
                                            : value_bytes(raw.data);
  return {{set.name, value_bytes(raw.key), value_bytes(raw.key_end)},
          {std::move(data), raw.comment}};
}

void Ranges::add(const RawElement& raw) {
  bounds_.push_back({std::string(raw.key), !raw.end, std::string(raw.comment)});
}

/// In order of keys, and at one key the end of a range before the start of the next.
std::vector<std::pair<ElementKey, Element>> Ranges::join(const Set& set) && {
  std::sort(bounds_.begin(), bounds_.end());
  std::vector<std::pair<ElementKey, Element>> joined;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    if (!bounds_[i].start) continue;
    std::string last(bounds_[i].key.size(), '\xff');
    if (i + 1 < bounds_.size()) {
      last = bounds_[i + 1].key;
      decrement(last);
    }
    joined.push_back(
        {{set.name, value_bytes(bounds_[i].key), value_bytes(last)}, {{}, bounds_[i].comment}});
  }
  return joined;
}

}  // namespace novaplane::nft
