#include <fmt/format.h>

#include <algorithm>

#include "dataplane/cloud/schema_keys.h"

/// Security groups, what a port may send from, and what the metadata service is told.
namespace novaplane::cloud {
namespace {

/// A list, or its one element. An empty one would mean the opposite of none.
template <auto member, auto parse>
class SomeReader : public ListReader {
 public:
  explicit SomeReader(ObjectOf<member>& object)
      : ListReader([this, &object](const Value& element) {
          is_empty_ = false;
          list_element<parse>(object.*member, element);
        }) {}
  void close(Reader& reader) override {
    if (!is_empty_) return;
    reader.findings.add(reader.path(), "bad-value",
                        "is empty, so nothing passes: leave the rule out, or this key for all");
  }

 private:
  bool is_empty_ = true;
};

template <auto member, auto parse>
void read_some(ObjectOf<member>& object, const Value& value) {
  switch (value.event.kind) {
    case Event::Kind::scalar:
      return list_element<parse>(object.*member, value);
    case Event::Kind::open_list:
      return value.reader.enter(std::make_unique<SomeReader<member, parse>>(object));
    default:
      value.wrong_type("a single value or a list");
  }
}

template <auto member, auto parse>
void write_some(const ObjectOf<member>& object, const Slot& slot) {
  const auto& elements = object.*member;
  if (elements.size() == 1) return slot.scalar(written<parse>(elements.front()));
  write_elements<parse>(elements, slot);
}
template <auto member, auto parse>
constexpr Access<ObjectOf<member>> some{read_some<member, parse>, write_some<member, parse>};

// --- rules

/// Names of /etc/protocols.
constexpr Choice<std::uint8_t> kProtocols[] = {
    {"any", 0},    {"icmp", 1},   {"igmp", 2},      {"tcp", 6}, {"udp", 17},
    {"dccp", 33},  {"gre", 47},   {"esp", 50},      {"ah", 51}, {"icmpv6", 58},
    {"vrrp", 112}, {"sctp", 132}, {"udplite", 136},
};

Parsed<std::uint8_t> read_ip_protocol(const Event& event) {
  const auto named = choice<kProtocols>(event);
  if (named) return *named;
  if (const auto numbered = number<1, 255>(event)) return static_cast<std::uint8_t>(*numbered);
  Refusal refusal = named.error();
  refusal.sentence += ", or a number from 1 to 255";
  return tl::unexpected(std::move(refusal));
}

Scalar write_ip_protocol(std::uint8_t number) {
  const Scalar name = choice<kProtocols>.write(number);
  return name.text.empty() ? to_scalar(number) : name;
}

constexpr Notation<read_ip_protocol, write_ip_protocol> ip_protocol{};

void misplaced_key(const Value& value, std::string sentence) {
  value.reader.findings.add_at_key(value.reader.path(), "unknown-key", std::move(sentence));
}
void read_misplaced_from(GroupRule&, const Value& value) {
  misplaced_key(value, "belongs to ingress; egress has to");
}
void read_misplaced_from_group(GroupRule&, const Value& value) {
  misplaced_key(value, "belongs to ingress; egress has to_group");
}
void read_misplaced_to(GroupRule&, const Value& value) {
  misplaced_key(value, "belongs to egress; ingress has from");
}
void read_misplaced_to_group(GroupRule&, const Value& value) {
  misplaced_key(value, "belongs to egress; ingress has from_group");
}

constexpr Key<GroupRule> kIngress[] = {
    {"protocol", scalar<&GroupRule::protocol, ip_protocol>},
    {"ports", some<&GroupRule::ports, port_range>},
    {"type", scalar<&GroupRule::type, number<0, 255>>},
    {"code", scalar<&GroupRule::code, number<0, 255>>},
    {"from", some<&GroupRule::ranges, address_or_range>},
    {"from_group", scalar<&GroupRule::group, object_name>},
    {"to", {read_misplaced_to, nullptr}},
    {"to_group", {read_misplaced_to_group, nullptr}},
};

constexpr Key<GroupRule> kEgress[] = {
    {"protocol", scalar<&GroupRule::protocol, ip_protocol>},
    {"ports", some<&GroupRule::ports, port_range>},
    {"type", scalar<&GroupRule::type, number<0, 255>>},
    {"code", scalar<&GroupRule::code, number<0, 255>>},
    {"to", some<&GroupRule::ranges, address_or_range>},
    {"to_group", scalar<&GroupRule::group, object_name>},
    {"from", {read_misplaced_from, nullptr}},
    {"from_group", {read_misplaced_from_group, nullptr}},
};

/// all | a list of rules
void read_egress(SecurityGroup& group, const Value& value) {
  constexpr auto kWanted = "all or a list of rules";
  if (value.event.kind == Event::Kind::scalar && value.event.text == "all") {
    group.egress.reset();
  } else if (value.event.kind == Event::Kind::scalar) {
    value.fail(is_not(value.event.text, kWanted).value());
  } else if (value.event.kind != Event::Kind::open_list) {
    value.wrong_type(kWanted);
  } else {
    read_list(value, [&rules = group.egress.emplace()](const Value& element) {
      read_object(rules.emplace_back(), element, Keys<GroupRule>(kEgress));
    });
  }
}

void write_egress(const SecurityGroup& group, const Slot& slot) {
  if (!group.egress) return;
  if (!group.egress->empty()) return write_elements_as_maps<kEgress>(*group.egress, slot);
  slot.writer.key(slot.key);
  slot.writer.open_list(Writer::kEvenIfEmpty);
  slot.writer.close();
}

constexpr Key<SecurityGroup> kSecurityGroup[] = {
    {"ingress", list_of_maps<&SecurityGroup::ingress, kIngress>},
    {"egress", {read_egress, write_egress, visit<kEgress>}},
    {"log", scalar<&SecurityGroup::log, boolean>},
};

// --- what a port may send from

/// Refuses what no guest has: whole families, and what is not one machine's.
Parsed<Prefix> read_pair_address(const Event& event) {
  static const Prefix kOfMany[] = {*Prefix::parse("0.0.0.0/8"),     *Prefix::parse("127.0.0.0/8"),
                                   *Prefix::parse("224.0.0.0/3"),   *Prefix::parse("::/127"),
                                   *Prefix::parse("::ffff:0:0/96"), *Prefix::parse("ff00::/8")};
  static const IpAddress kMetadata = IpAddress::v4(0xa9fea9fe);
  const auto refuse = [](std::string sentence) {
    return tl::unexpected(Refusal{"bad-value", std::move(sentence)});
  };
  auto found = address_or_range(event);
  if (!found) return found;
  if (found->length == 0) {
    return refuse(fmt::format("{} is all of {}: say port_security: false", *found,
                              found->address.is_v4() ? "IPv4" : "IPv6"));
  }
  if (found->contains(kMetadata)) {
    return refuse(fmt::format("guests ask {} for metadata: no guest may have it", kMetadata));
  }
  for (const Prefix& many : kOfMany) {
    if (found->overlaps(many)) return refuse(fmt::format("no guest has an address of {}", many));
  }
  return found;
}

constexpr Notation<read_pair_address, write_address_or_range> pair_address{};

constexpr Key<AllowedPair> kAllowedPair[] = {
    {"address", scalar<&AllowedPair::address, pair_address>, kRequired},
    {"mac", scalar<&AllowedPair::mac, mac>},
};

}  // namespace

void read_security_groups(Draft& draft, const Value& value) {
  read_named<&Cloud::security_groups, kSecurityGroup>(draft, value);
}
void write_security_groups(const Contents& contents, const Slot& slot) {
  write_named<&Cloud::security_groups, kSecurityGroup>(contents, slot);
}
void visit_security_groups(const std::string& path, const KeyVisitor& visitor) {
  visit<kSecurityGroup>(path, visitor);
}
void write_keys(const SecurityGroup& group, Writer& writer) {
  write_object(group, writer, all_of(kSecurityGroup));
}

/// An empty list is not that of the network.
void read_port_groups(Port& port, const Value& value) {
  if (value.event.kind != Event::Kind::open_list) return value.wrong_type("a list");
  port.security_groups.emplace();
  read_list(value, [&port](const Value& element) {
    list_element<object_name>(*port.security_groups, element);
  });
}
void write_port_groups(const Port& port, const Slot& slot) {
  if (!port.security_groups) return;
  slot.writer.key(slot.key);
  slot.writer.open_list(Writer::kEvenIfEmpty);
  for (const std::string& group : *port.security_groups) slot.writer.value({group});
  slot.writer.close();
}

void read_allowed_pairs(Port& port, const Value& value) {
  read_maps<&Port::allowed_pairs, kAllowedPair>(port, value);
}
void write_allowed_pairs(const Port& port, const Slot& slot) {
  write_maps<&Port::allowed_pairs, kAllowedPair>(port, slot);
}
void visit_allowed_pairs(const std::string& path, const KeyVisitor& visitor) {
  visit<kAllowedPair>(path, visitor);
}

}  // namespace novaplane::cloud
