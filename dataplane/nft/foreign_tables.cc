#include "dataplane/nft/foreign_tables.h"

#include <fmt/format.h>

#include <algorithm>

namespace novaplane::nft::foreign {
namespace {

enum class Truth : std::uint8_t { no, yes, unknown };

Truth is(bool known, bool equal, bool negated) {
  if (!known) return Truth::unknown;
  return equal != negated ? Truth::yes : Truth::no;
}

bool is_named(const std::string& pattern, const std::string& link) {
  if (!pattern.ends_with('*')) return link == pattern;
  return link.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
}

Truth holds(const Test& test, const Packet& packet) {
  const auto number = [&](std::uint32_t value) {
    return is(value != 0, value == test.number, test.negated);
  };
  switch (test.of) {
    case Test::Of::iif:
      return is(!packet.iif.empty(), is_named(test.link, packet.iif), test.negated);
    case Test::Of::oif:
      return is(!packet.oif.empty(), is_named(test.link, packet.oif), test.negated);
    case Test::Of::family:
      return number(packet.family);
    case Test::Of::protocol:
      return number(packet.protocol);
    case Test::Of::source_port:
      return number(packet.source_port);
    case Test::Of::port:
      return number(packet.port);
    case Test::Of::flow_state:
      return is(packet.flow_state != 0, (packet.flow_state & test.number) != 0, test.negated);
    case Test::Of::something:
      break;
  }
  return Truth::unknown;
}

Truth holds(const Rule& rule, const Packet& packet) {
  Truth all = Truth::yes;
  for (const Test& test : rule.tests) {
    const Truth one = holds(test, packet);
    if (one == Truth::no) return Truth::no;
    if (one == Truth::unknown) all = Truth::unknown;
  }
  return all;
}

/// The way of one packet. A rule that may hold is passed over: whether it accepts is not known.
class Way {
 public:
  Way(const std::vector<Chain>& chains, const Chain& base, const Packet& packet)
      : chains_(chains), base_(base), packet_(packet) {}

  std::string loses() {
    const End end = pass(base_, 0);
    if (end == End::lost) return fmt::format("chain {} drops what is left", where_);
    if (end == End::falls_through && base_.hook->drops) return "policy drop";
    return {};
  }

 private:
  enum class End : std::uint8_t { accepted, lost, falls_through };
  static constexpr int kDeepest = 16;        // NFT_JUMP_STACK_SIZE
  static constexpr int kMostRules = 20'000;  // of all chains on the way, for each packet

  End pass(const Chain& chain, int depth) {
    for (const Rule& rule : chain.rules) {
      if (depth > kDeepest || ++passed_ > kMostRules) return End::accepted;
      if (rule.then == Rule::Then::next || holds(rule, packet_) != Truth::yes) continue;
      switch (rule.then) {
        case Rule::Then::accept:
          return End::accepted;
        case Rule::Then::drop:
          where_ = chain.name;
          return End::lost;
        case Rule::Then::return_:
          return End::falls_through;
        case Rule::Then::jump:
          if (const End end = pass(find(rule.target), depth + 1); end != End::falls_through) {
            return end;
          }
          break;
        case Rule::Then::go_to:
          return pass(find(rule.target), depth + 1);
        case Rule::Then::next:
          break;
      }
    }
    return End::falls_through;
  }

  const Chain& find(const std::string& name) const {
    static const Chain kNone;
    const auto found = std::ranges::find_if(chains_, [&](const Chain& chain) {
      return chain.name == name && chain.table == base_.table && chain.family == base_.family;
    });
    return found != chains_.end() ? *found : kNone;
  }

  const std::vector<Chain>& chains_;
  const Chain& base_;
  const Packet& packet_;
  std::string where_;
  int passed_ = 0;
};

}  // namespace

std::string loses(const std::vector<Chain>& chains, const Chain& base, const Packet& packet) {
  return base.hook ? Way(chains, base, packet).loses() : std::string();
}

}  // namespace novaplane::nft::foreign
