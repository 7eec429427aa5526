#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// What tables of others do to packets that we serve, as far as it can be known: their rules as
/// plain values, and the way of one packet through a chain. Pure; foreign_listing.h reads the
/// kernel's.
namespace novaplane::nft::foreign {

/// One condition of a rule.
struct Test {
  enum class Of : std::uint8_t {
    something,  ///< that is not looked into: a set, an address, a limit, ...
    iif,
    oif,
    family,    ///< NFPROTO_IPV4, NFPROTO_IPV6
    protocol,  ///< IPPROTO_*
    source_port,
    port,
    flow_state,  ///< bits of NF_CT_STATE_BIT: any of them
  };
  Of of = Of::something;
  std::uint32_t number = 0;
  std::string link = {};  ///< "eth0", or "br-*"
  bool negated = false;
};

struct Rule {
  enum class Then : std::uint8_t { next, accept, drop, return_, jump, go_to };
  std::vector<Test> tests;
  Then then = Then::next;
  std::string target = {};  ///< of jump and go_to
};

/// Where the kernel enters a chain.
struct Hook {
  std::string name;  ///< as nft says it: "input"
  int priority = 0;
  bool drops = false;                     ///< policy
  std::vector<std::string> devices = {};  ///< of families netdev and inet (ingress, egress)
};

struct Chain {
  std::string family, table, name;  ///< "ip", "inet", "bridge", "netdev", "iptables-legacy"
  std::optional<Hook> hook;         ///< none: others jump to it
  std::vector<Rule> rules;
};

/// A packet on a way that we need. What is not known (0, empty) is met by no test for certain.
struct Packet {
  std::uint8_t family = 0;  ///< NFPROTO_IPV4 or NFPROTO_IPV6; 0: neither (ARP)
  std::string iif = {}, oif = {};
  std::uint8_t protocol = 0;
  std::uint16_t source_port = 0, port = 0;
  std::uint32_t flow_state = 0;
};

/// Why a packet that no rule accepts for certain is lost in the chain: "policy drop", "it drops
/// what is left in chain last"; empty: it is not. Rules that drop only what they test for with
/// something unknown (invalid flows, strangers' addresses) are not held against the chain.
std::string loses(const std::vector<Chain>& chains, const Chain& base, const Packet& packet);

}  // namespace novaplane::nft::foreign
