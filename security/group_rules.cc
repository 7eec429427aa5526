#include "security/group_rules.h"

#include <netinet/in.h>

#include <algorithm>

#include "dataplane/cloud/security.h"
#include "security/boxes.h"
#include "security/sets.h"

namespace novaplane::security {
namespace {

using cloud::GroupRule;
using engine::Elements;

constexpr std::string_view kGroups = "groups";
constexpr Interval kAnyPort{0, 0xffff}, kAnyProtocol{0, 0xff};

Number number_of(const IpAddress& address) {
  Number number = 0;
  for (const std::uint8_t byte : address.bytes()) number = number << 8 | byte;
  return number;
}

IpAddress address_of(Number number, bool is_v4) {
  std::array<std::uint8_t, 16> bytes{};
  const std::size_t size = is_v4 ? 4 : 16;
  for (std::size_t i = size; i-- > 0; number >>= 8) bytes[i] = static_cast<std::uint8_t>(number);
  return *IpAddress::from_bytes({bytes.data(), size});
}

Interval interval_of(const Prefix& range) {
  return {number_of(range.network()), number_of(range.broadcast())};
}

Interval all_addresses(bool is_v4) {
  const Number none = 0;
  return {none, is_v4 ? Number{0xffffffff} : ~none};
}

Interval protocols_of(const GroupRule& rule) {
  return rule.protocol == 0 ? kAnyProtocol : Interval{rule.protocol, rule.protocol};
}

/// Where a packet has its source port: of ICMP these are type and code.
Interval first_word_of(const GroupRule& rule) {
  if (!rule.type) return kAnyPort;
  const Number first = Number{*rule.type} << 8;
  return rule.code ? Interval{first | *rule.code, first | *rule.code}
                   : Interval{first, first | 0xff};
}

std::vector<Interval> services_of(const GroupRule& rule) {
  std::vector<Interval> services;
  for (const auto& [first, last] : rule.ports) services.push_back({first, last});
  if (services.empty()) services.push_back(kAnyPort);
  return services;
}

/// In one direction: the elements of the rules of all groups of a list.
class Direction {
 public:
  Direction(const engine::Context& context, const cloud::Port& port, std::uint32_t number,
            const RuleSets& sets, Elements& elements)
      : context_(context), port_(port.interface), number_(number), sets_(sets), out_(elements) {}

  void add(const GroupRule& rule) {
    if (!rule.group.empty()) {
      for (const auto& others : context_.group_lists.lists_with(rule.group)) {
        add_of_group(rule, cloud::number_of(others));
      }
    } else if (!rule.ranges.empty()) {
      const bool is_v4 = rule.ranges.front().address.is_v4();
      for (const Prefix& range : rule.ranges) add_box(rule, interval_of(range), is_v4);
    } else {
      add_for_all(rule);
    }
  }

  void finish() {
    add_boxes(sets_.ranges4, boxes4_, true);
    add_boxes(sets_.ranges6, boxes6_, false);
    for (const auto& [others, boxes] : group_boxes_) {
      for (const Box& box : disjoint(boxes)) add_group_box(others, box);
    }
  }

 private:
  using Port = std::uint16_t;
  using Byte = std::uint8_t;

  void add_for_all(const GroupRule& rule) {
    if (rule.protocol == 0) return out_.add(sets_.all, {number_});
    if (rule.type && !rule.code) return add_type(rule);
    if (rule.type)
      return add_box(rule, all_addresses(rule.protocol == IPPROTO_ICMP),
                     rule.protocol == IPPROTO_ICMP);
    if (rule.ports.empty()) return out_.add(sets_.protocols, {number_, rule.protocol});
    GroupRule ranges = rule;
    std::erase_if(ranges.ports, [](const auto& range) { return range.first == range.last; });
    for (const auto& [first, last] : rule.ports) {
      if (first == last) out_.add(sets_.ports, {number_, rule.protocol, first});
    }
    if (ranges.ports.empty()) return;
    for (const bool is_v4 : {true, false}) add_box(ranges, all_addresses(is_v4), is_v4);
  }

  void add_type(const GroupRule& rule) {
    rule.protocol == IPPROTO_ICMP ? out_.add(sets_.types4, {number_, *rule.type})
                                  : out_.add(sets_.types6, {number_, *rule.type});
  }

  void add_of_group(const GroupRule& rule, std::uint32_t others) {
    if (rule.protocol == 0) return out_.add(sets_.group, {port_, others});
    if (rule.ports.empty() && !rule.type) {
      return out_.add(sets_.group_protocols, {port_, others, rule.protocol});
    }
    for (const Interval& service : services_of(rule)) {
      if (service.first == service.last) {
        out_.add(sets_.group_ports,
                 {port_, others, rule.protocol, static_cast<Port>(service.first)});
      } else {
        group_boxes_[others].push_back(
            {Interval{}, protocols_of(rule), first_word_of(rule), service});
      }
    }
  }

  void add_box(const GroupRule& rule, const Interval& addresses, bool is_v4) {
    for (const Interval& service : services_of(rule)) {
      (is_v4 ? boxes4_ : boxes6_)
          .push_back({addresses, protocols_of(rule), first_word_of(rule), service});
    }
  }

  template <class Set>
  void add_boxes(const Set& set, const std::vector<Box>& boxes, bool is_v4) {
    for (const auto& [addresses, protocols, first_word, service] : disjoint(boxes)) {
      const auto corner = [&](Number Interval::*end) {
        return typename Set::Values{
            number_, address_of(addresses.*end, is_v4), static_cast<Byte>(protocols.*end),
            static_cast<Port>(first_word.*end), static_cast<Port>(service.*end)};
      };
      out_.add(set, {corner(&Interval::first), corner(&Interval::last)});
    }
  }

  void add_group_box(std::uint32_t others, const Box& box) {
    using Set = std::decay_t<decltype(sets_.group_ranges)>;
    const auto& [none, protocols, first_word, service] = box;
    const auto corner = [&, &protocols = protocols, &first_word = first_word,
                         &service = service](Number Interval::*end) {
      return Set::Values{port_, others, static_cast<Byte>(protocols.*end),
                         static_cast<Port>(first_word.*end), static_cast<Port>(service.*end)};
    };
    out_.add(sets_.group_ranges, {corner(&Interval::first), corner(&Interval::last)});
  }

  const engine::Context& context_;
  std::string_view port_;
  std::uint32_t number_;
  const RuleSets& sets_;
  Elements& out_;
  std::vector<Box> boxes4_, boxes6_;
  std::map<std::uint32_t, std::vector<Box>> group_boxes_;  ///< by the number of the others' groups
};

}  // namespace

std::string comment_of(const std::vector<std::string>& groups) {
  constexpr std::size_t kLongest = 120;  // of a comment, with what says that more follow
  std::string comment(kGroups);
  for (const std::string& group : groups) {
    if (comment.size() + group.size() + 2 > kLongest) return comment + " ...";
    comment += " " + group;
  }
  return comment;
}

std::vector<std::string> groups_in(std::string_view comment) {
  std::vector<std::string> groups;
  if (!comment.starts_with(kGroups)) return groups;
  comment.remove_prefix(kGroups.size());
  while (!comment.empty()) {
    comment.remove_prefix(1);
    const auto end = std::min(comment.find(' '), comment.size());
    groups.emplace_back(comment.substr(0, end));
    comment.remove_prefix(end);
  }
  return groups;
}

bool all_may_leave(const cloud::Cloud& cloud, const std::vector<std::string>& groups) {
  return std::ranges::any_of(groups, [&](const std::string& name) {
    const auto group = cloud.security_groups.find(name);
    return group != cloud.security_groups.end() && !group->second.egress;
  });
}

void compile_group_rules(const engine::Context& context, const cloud::Port& port,
                         const std::vector<std::string>& groups, Elements& elements) {
  const std::uint32_t number = cloud::number_of(groups);
  Direction in(context, port, number, kIn, elements), out(context, port, number, kOut, elements);
  const bool is_free = all_may_leave(context.cloud, groups);
  for (const std::string& name : groups) {
    const auto group = context.cloud.security_groups.find(name);
    if (group == context.cloud.security_groups.end()) continue;
    for (const GroupRule& rule : group->second.ingress) in.add(rule);
    if (is_free || !group->second.egress) continue;
    for (const GroupRule& rule : *group->second.egress) out.add(rule);
  }
  in.finish();
  out.finish();
}

}  // namespace novaplane::security
