#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/base/compact_string.h"

/// nf_tables as plain values: static chains and rules (a ruleset), and elements, which are all that
/// changes at run time. Names are string literals: they live as long as the program.
namespace novaplane::nft {

enum class Family : std::uint8_t { inet, bridge };
std::string_view to_string(Family);

constexpr std::string_view kTable = "novaplane";  ///< our table's name in both families

/// Types of the fields of a set's key or a map's data, with nft's own names.
enum class Field : std::uint8_t {
  ifname,
  ipv4_addr,
  ipv6_addr,
  ether_addr,
  inet_proto,
  inet_service,
  verdict,   ///< of maps: the chain where the packet goes on, and comes back from
  nf_proto,  ///< the family of a packet: NFPROTO_IPV4, NFPROTO_IPV6
  // What nft has no type for: sets of these are declared by `typeof`, with the selector.
  icmp_id,
  nd_target,    ///< an IPv6 address in the payload of neighbour discovery
  nd_mac,       ///< a MAC in an option of it
  ra_lifetime,  ///< of a router advertisement
  icmpv6_id,
  ip_id,
  frag_id,
  ipv6_prefix,  ///< the first half of an IPv6 address
  // nft has types for these.
  classid,  ///< a number of four bytes: what meta priority holds
  icmp_type,
  icmpv6_type,
};

/// Which set, over all of our tables: unique, cheap to copy and to hash.
struct SetName {
  Family family = Family::inet;
  std::string_view name;
  bool operator==(const SetName&) const = default;
};

/// What each element of a set lets pass before it matches: so many packets a second and a burst, or
/// so many connections that are open at once, which the kernel counts by itself.
struct Allowance {
  std::uint32_t packets_per_second = 0, burst = 0;
  std::uint32_t connections = 0;  ///< such a set has no timeout (nf_tables_api.c: NFT_EXPR_GC)
  bool operator==(const Allowance&) const = default;
};

struct Set {
  SetName name;
  std::vector<Field> key;        ///< several: a concatenation
  std::vector<Field> data = {};  ///< empty: a set, else a map; several: a concatenation
  bool interval = false;         ///< few elements (slow to change)
  /// Each element is a limiter of its own, its data a limit(): found is what exceeds it. Sets only.
  bool limits = false;
  bool limits_packets = false;  ///< beside it: they count packets, not bytes
  /// Not 0: elements come from packets (RuleBuilder::update) and go so many seconds after the last
  /// one. What is in there is nobody's to wish: it is neither listed nor written. Sets only.
  std::uint32_t timeout_seconds = 0;
  /// Elements come from packets likewise (RuleBuilder::beyond). Sets only.
  Allowance allowance = {};
  std::uint32_t size = 0;  ///< elements at most, where packets write them; 0: the kernel's 65,535
  bool counts = false;     ///< each element counts what has written it. Sets of packets only
  /// A set of the same table beside whose elements it counts as having some (nft/in_use.h): its own
  /// come and go with what happens, not with the document. Empty: only its own count.
  std::string_view beside = {};
  /// Sets of packets of the same table and with the same key: what comes into this one is put there
  /// too, for their timeout.
  std::vector<std::string_view> noted_in = {};
  bool operator==(const Set&) const = default;
  bool is_packets_own() const { return timeout_seconds != 0 || allowance != Allowance{} || counts; }
};

/// The key of one element, encoded as the kernel wants it: each field padded to four bytes,
/// numbers in network order, interface names padded to 16 bytes.
struct ElementKey {
  SetName set;
  CompactString key;
  CompactString key_end =
      {};  ///< interval sets: the last value of the range (inclusive), else empty
  bool operator==(const ElementKey&) const = default;
};

struct Element {
  CompactString data;  ///< empty for sets, but for those of limits
  /// The object that asked for it, at most 128 bytes; in the kernel as userdata.
  CompactString comment;
  bool operator==(const Element&) const = default;
};

/// Builds keys and data: `Bytes().ifname("br-blue").address(ip).take()`.
class Bytes {
 public:
  Bytes& ifname(std::string_view name);
  Bytes& address(const IpAddress& address);
  Bytes& prefix(const IpAddress& address);  ///< the first half of an IPv6 address
  Bytes& mac(const Mac& mac);
  Bytes& protocol(std::uint8_t ip_protocol);
  Bytes& port(std::uint16_t host_order);
  Bytes& word(std::uint32_t number);    ///< as the kernel keeps it, in the host's order
  Bytes& jump(std::string_view chain);  ///< up to 15 bytes
  /// The data of an element in a set of limits, of bytes or of packets. The kernel counts by the
  /// second: what was saved in one second of silence passes on top of the burst
  /// (net/netfilter/nft_limit.c, nft_limit_init).
  Bytes& limit(std::uint64_t per_second, std::uint32_t burst);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

/// What Bytes::limit() has encoded.
struct Limit {
  std::uint64_t rate = 0;   ///< bytes, or packets, a second
  std::uint32_t burst = 0;  ///< likewise
};
Limit limit_of(std::string_view bytes);

/// `"br-blue" . 10.0.0.1`: encoded fields as nft prints them.
std::string to_text(const std::vector<Field>& fields, std::string_view bytes);

}  // namespace novaplane::nft

template <>
struct std::hash<novaplane::nft::ElementKey> {
  std::size_t operator()(const novaplane::nft::ElementKey& k) const {
    return novaplane::hash_of(static_cast<int>(k.set.family), k.set.name, k.key.view());
  }
};
