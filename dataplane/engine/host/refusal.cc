#include "dataplane/engine/host/refusal.h"

#include "dataplane/engine/host/shared_sets.h"

namespace novaplane::engine {
namespace {

using nft::Family;
using sets::kDrops;

constexpr std::string_view kSent = "refused", kReceived = "refused_to";

void add_chain(std::string_view name, nft::Select port, nft::Ruleset& out) {
  const auto refused = [&] { return nft::rule(Family::bridge, name, ""); };
  out.chains.push_back({.family = Family::bridge, .name = name, .is_base = false});
  out.rules.push_back(refused().update({port, nft::Select::priority}, kDrops.name));
  out.rules.push_back(refused().drop());
}

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::frame_type:
      return "neither IPv4, IPv6 nor ARP, or tagged";
    case Refusal::address:
      return "not from its MAC and address";
    case Refusal::arp:
      return "ARP in another's name";
    case Refusal::dhcp_server:
      return "answers DHCP";
    case Refusal::dhcp_client:
      return "asks DHCP for another MAC";
    case Refusal::multicast_query:
      return "queries multicast listeners";
    case Refusal::address6:
      return "not from its MAC and IPv6 address";
    case Refusal::neighbour:
      return "neighbour discovery in another's name";
    case Refusal::router:
      return "router advertisement or redirect";
    case Refusal::fragment:
      return "fragment without a transport header";
    case Refusal::choices:
      return "too many IPv6 addresses of its own choice";
    case Refusal::metadata:
      return "asks for metadata in another's name";
    case Refusal::malformed:
      return "a malformed IPv4 header";
    case Refusal::egress:
      return "no egress rule";
    case Refusal::new_flows:
      return "too many new flows";
    case Refusal::lost_start:
      return "fragment of what was not let through";
    case Refusal::ingress:
      return "no ingress rule";
  }
  return "unknown reason";
}

/// The number is kept in the packet's priority, which a rule can use as a key; the packet ends
/// here.
nft::Rule refuse(nft::RuleBuilder&& rule, Refusal refusal, Whose whose) {
  return std::move(rule)
      .set_priority(static_cast<std::uint32_t>(refusal))
      .go_to(whose == Whose::sender ? kSent : kReceived);
}

nft::Ruleset refusal_ruleset() {
  nft::Ruleset ruleset;
  ruleset.sets.push_back(kDrops.declared());
  add_chain(kSent, nft::Select::iifname, ruleset);
  add_chain(kReceived, nft::Select::oifname, ruleset);
  return ruleset;
}

}  // namespace novaplane::engine
