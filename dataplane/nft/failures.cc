#include "dataplane/nft/failures.h"

#include <fmt/format.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cerrno>

#include "dataplane/nft/fields.h"
#include "dataplane/nft/kernel_options.h"
#include "dataplane/nft/rule.h"
#include "dataplane/nft/wire.h"

namespace novaplane::nft {
namespace {

using Subject = Batch::Subject;
using Kind = Batch::Subject::Kind;

/// The name of the expression at that offset of a rule's message.
std::string_view expression_at(const nlmsghdr* message, std::uint32_t offset) {
  const nlattr* list = find_attribute(message, NFTA_RULE_EXPRESSIONS);
  for (const nlattr* attribute : nested(list)) {
    const auto here =
        reinterpret_cast<const char*>(attribute) - reinterpret_cast<const char*>(message);
    if (here == static_cast<std::ptrdiff_t>(offset))
      return text_of(find_attribute(attribute, NFTA_EXPR_NAME));
  }
  return {};
}

/// The kernel says ENOENT for a chain type or an expression that it does not have.
std::string missing_option(const Answer& answer, const Subject& subject, const Sent& sent) {
  if (answer.code != ENOENT && answer.code != EOPNOTSUPP && answer.code != EAFNOSUPPORT) return {};
  switch (subject.kind) {
    case Kind::table:
      return missing_for_table(subject.family);
    case Kind::chain:
      return missing_for_chain(subject.family, sent.ruleset.chains[subject.index].type);
    case Kind::set:
      return missing_for_set(sent.ruleset.sets[subject.index]);
    case Kind::rule:
      if (!answer.offset) return {};
      return missing_for_expression(
          subject.family, expression_at(sent.batch.find(answer.sequence), *answer.offset));
    default:
      return {};
  }
}

std::string words_of(const Answer& answer, const Subject& subject, const Sent& sent) {
  if (!answer.words.empty()) return answer.words;
  const bool element = subject.kind == Kind::add || subject.kind == Kind::remove;
  if (element && answer.code == ENOTEMPTY) return "overlaps another range of the set";
  return missing_option(answer, subject, sent);
}

/// Which element of the transaction an answer about an element message means.
std::optional<std::size_t> element_of(const Answer& answer, const Subject& subject,
                                      const Sent& sent) {
  const auto& written = (subject.kind == Kind::add ? sent.additions : sent.removals).written;
  const nlmsghdr* message = sent.batch.find(answer.sequence);
  const auto nth = answer.offset ? element_at(message, *answer.offset) : std::nullopt;
  if (nth) return written[subject.index + *nth];
  return count_elements(message) == 1 ? std::optional<std::size_t>(written[subject.index])
                                      : std::nullopt;
}

std::string element_step(const Ruleset& ruleset, std::string_view verb, const ElementKey& key,
                         const Element* element) {
  const Set* set = find_set(ruleset, key.set);
  return fmt::format("{} element {} {} {} {{ {} }}", verb, to_string(key.set.family), kTable,
                     key.set.name, set ? to_text(*set, key, element) : "?");
}

std::string ruleset_step(const Subject& subject, const Sent& sent) {
  const Ruleset& ruleset = sent.ruleset;
  const auto table = fmt::format("{} {}", to_string(subject.family), kTable);
  switch (subject.kind) {
    case Kind::set:
      return fmt::format("add set {} {}", table, ruleset.sets[subject.index].name.name);
    case Kind::chain:
      return fmt::format("add chain {} {}", table, ruleset.chains[subject.index].name);
    case Kind::rule: {
      const Rule& rule = ruleset.rules[subject.index];
      return fmt::format("add rule {} {} {}", table, rule.chain, to_text(rule));
    }
    case Kind::repair: {
      const auto& part = sent.transaction->repair.parts[subject.index];
      if (part.what == RulesetRepair::Part::What::leftover_set) {
        return fmt::format("delete set {} {}", table, part.name);
      }
      const bool is_leftover = part.what == RulesetRepair::Part::What::leftover_chain;
      return fmt::format("{} chain {} {}", is_leftover ? "delete" : "flush", table, part.name);
    }
    case Kind::batch:
      return "write nf_tables";
    default:
      return "write table " + table;
  }
}

void explain_element(const Answer& answer, const Subject& subject, const Sent& sent,
                     CommitError& error) {
  const bool add = subject.kind == Kind::add;
  const auto index = element_of(answer, subject, sent);
  const std::string_view set = set_of(sent.batch.find(answer.sequence));
  if (!index) {
    error.error.step = fmt::format("{} elements of set {}", add ? "add" : "delete", set);
  } else if (add) {
    const auto& [key, element] = sent.transaction->add[*index];
    error.error.step = element_step(sent.ruleset, "add", key, &element);
    error.add = index;
  } else {
    error.error.step =
        element_step(sent.ruleset, "delete", sent.transaction->remove[*index], nullptr);
    error.remove = index;
  }
}

/// Whether a name fills its field: then it was cut, and means another link.
bool has_cut_name(const std::vector<Field>& fields, std::string_view bytes) {
  for (const Field field : fields) {
    const std::size_t size = std::min(padded(size_of(field)), bytes.size());
    const bool is_name = field == Field::ifname || field == Field::verdict;
    if (is_name && size != 0 && bytes[size - 1] != '\0') return true;
    bytes.remove_prefix(size);
  }
  return false;
}

}  // namespace

Answer parse_answer(const nlmsghdr* header) {
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header));
  Answer answer{header->nlmsg_seq, errno_of(header), {}, {}};
  if (!(header->nlmsg_flags & NLM_F_ACK_TLVS)) return answer;
  std::size_t skip = sizeof(nlmsgerr);
  if (!(header->nlmsg_flags & NLM_F_CAPPED)) skip += error->msg.nlmsg_len - sizeof(nlmsghdr);
  for (const nlattr* attribute : attributes(header, skip)) {
    if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG) answer.words = text_of(attribute);
    if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_OFFS)
      answer.offset = mnl_attr_get_u32(attribute);
  }
  return answer;
}

CommitError explain(const Answer& answer, const Sent& sent) {
  const Subject& subject = *sent.batch.subject(answer.sequence);
  CommitError error;
  error.error.code = answer.code;
  error.error.words = words_of(answer, subject, sent);
  error.outdated = subject.kind == Kind::batch && answer.code == ERESTART;
  if (error.outdated) error.error.words = "nf_tables changed in between";
  if (subject.kind == Kind::add || subject.kind == Kind::remove) {
    explain_element(answer, subject, sent, error);
  } else {
    error.error.step = ruleset_step(subject, sent);
  }
  return error;
}

CommitError unknown_set(const ElementKey& key, Kind kind, std::size_t index) {
  CommitError error;
  error.error = {fmt::format("change elements of set {}", key.set.name), EINVAL,
                 "the ruleset has no such set"};
  (kind == Kind::add ? error.add : error.remove) = index;
  return error;
}

tl::expected<void, CommitError> check_element(const Set& set, const ElementKey& key,
                                              const Element& element, std::size_t index) {
  std::string words;
  if (element.comment.size() > kLongestComment) {
    words = fmt::format("a comment has at most {} bytes", kLongestComment);
  } else if (has_cut_name(set.key, key.key) || has_cut_name(set.data, element.data)) {
    words = "the name of a link or chain has at most 15 bytes";
  }
  if (words.empty()) return {};
  CommitError error;
  error.error = {fmt::format("add element {} {{ {} }}", set.name.name, to_text(set.key, key.key)),
                 EINVAL, std::move(words)};
  error.add = index;
  return tl::unexpected(std::move(error));
}

}  // namespace novaplane::nft
