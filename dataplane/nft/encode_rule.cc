#include "dataplane/nft/encode_rule.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <netinet/in.h>

#include <set>

#include "dataplane/nft/fields.h"
#include "dataplane/nft/selectors.h"

namespace novaplane::nft {
namespace {

/// Registers are sixteen words of four bytes; those on a multiple of 16 bytes have older names.
std::uint32_t register_number(std::size_t word) {
  const auto number = static_cast<std::uint32_t>(word);
  return number % 4 == 0 ? NFT_REG_1 + number / 4 : NFT_REG32_00 + number;
}
const std::uint32_t kRegister = register_number(0);

class Lowering {
 public:
  Lowering(Family family, nftnl_rule* out) : family_(family), out_(out) {}

  void operator()(const InSet& match) {
    load(match.key);
    nftnl_expr* lookup = look_up(match.set);
    if (match.negated) nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
  }

  void operator()(const Compare& match) {
    load({match.of});
    if (match.low == match.high) {
      compare(match.negated ? NFT_CMP_NEQ : NFT_CMP_EQ, match.low);
    } else {
      compare(NFT_CMP_GTE, match.low);
      compare(NFT_CMP_LTE, match.high);
    }
  }

  void operator()(const InPrefix& match) {
    load({match.of});
    const Prefix ones{IpAddress::v4(~0u), match.prefix.length};
    mask(raw(ones.network()), std::string(4, '\0'));
    compare(match.negated ? NFT_CMP_NEQ : NFT_CMP_EQ, raw(match.prefix.network()));
  }

  void operator()(const MaskedCompare& match) {
    load({match.of});
    mask(match.mask, std::string(match.mask.size(), '\0'));
    compare(match.negated ? NFT_CMP_NEQ : NFT_CMP_EQ, match.value);
  }

  void operator()(const Present& present) {
    for (const Select select : present.key) check(selector(select).needs);
  }

  void operator()(const HasBits& match) {
    load({match.of});
    const std::size_t size = selector(match.of).size;
    const bool is_of_header = size == 2;  // in network order
    mask(is_of_header ? network_order(match.bits) : raw(match.bits).substr(0, size),
         std::string(size, '\0'));
    compare(match.none ? NFT_CMP_EQ : NFT_CMP_NEQ, std::string(size, '\0'));
  }

  void operator()(const SetMarkBits& set) {
    load({set.of_flow ? Select::ct_mark : Select::mark});
    mask(raw(~set.bits), raw(set.clear ? 0u : set.bits));
    if (!set.of_flow) return write_meta(NFT_META_MARK);
    nftnl_expr* ct = add("ct");
    nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
    nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_SREG, kRegister);
  }

  void operator()(const SetPriority& set) {
    immediate(0, raw(set.number));
    write_meta(NFT_META_PRIORITY);
  }

  void operator()(const WriteFromMap& write) {
    const Selector& target = selector(write.target);
    check(target.needs);
    load(write.key);
    look_up_data(write.map, kRegister);
    if (target.load == Selector::Load::meta) return write_meta(target.key);
    nftnl_expr* payload = add("payload");
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_SREG, kRegister);
    set_place(payload, target.key, target.offset, target.size);
    constexpr std::uint32_t kIcmpv6Checksum = 2;  // RFC 4443, 2.1: where it stands
    const bool has_checksum = target.needs == Needs::icmpv6;
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_CSUM_TYPE,
                       has_checksum ? NFT_PAYLOAD_CSUM_INET : NFT_PAYLOAD_CSUM_NONE);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, has_checksum ? kIcmpv6Checksum : 0);
  }

  void operator()(const SetPkttypeHost&) {
    immediate(0, std::string(1, PACKET_HOST));
    write_meta(NFT_META_PKTTYPE);
  }

  void operator()(const NatFromMap& from) {
    load(from.key);
    look_up_data(from.map, kRegister);
    nftnl_expr* nat = translate(from.source, from.ipv6 ? NFPROTO_IPV6 : NFPROTO_IPV4);
    const std::size_t port_word = from.ipv6 ? 4 : 1;
    if (from.with_port)
      nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, register_number(port_word));
  }

  void operator()(const NatTo& to) {
    immediate(0, raw(to.address));
    const std::uint16_t port = htons(to.port);
    if (port != 0) immediate(1, {reinterpret_cast<const char*>(&port), sizeof(port)});
    nftnl_expr* nat = translate(to.source, NFPROTO_IPV4);
    if (port == 0) return;
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_PROTO_MIN, register_number(1));
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
  }

  void operator()(const Masquerade&) { add("masq"); }
  void operator()(const NoTrack&) { add("notrack"); }

  void operator()(const Remember& remember) {
    load(remember.key);
    nftnl_expr* dynset = add("dynset");
    nftnl_expr_set_u32(dynset, NFTNL_EXPR_DYNSET_SREG_KEY, kRegister);
    constexpr std::uint32_t kOperations[] = {NFT_DYNSET_OP_ADD, NFT_DYNSET_OP_UPDATE,
                                             NFT_DYNSET_OP_DELETE};
    nftnl_expr_set_u32(dynset, NFTNL_EXPR_DYNSET_OP,
                       kOperations[static_cast<std::size_t>(remember.how)]);
    constexpr std::uint64_t kMilliseconds = 1000;
    if (remember.timeout_seconds != 0) {
      nftnl_expr_set_u64(dynset, NFTNL_EXPR_DYNSET_TIMEOUT,
                         remember.timeout_seconds * kMilliseconds);
    }
    nftnl_expr_set_str(dynset, NFTNL_EXPR_DYNSET_SET_NAME, std::string(remember.set).c_str());
  }

  void operator()(const JumpByMap& jump) {
    load(jump.key);
    look_up_data(jump.map, NFT_REG_VERDICT);
  }

  void operator()(const ToChain& to) {
    nftnl_expr* immediate = decide(to.comes_back ? NFT_JUMP : NFT_GOTO);
    nftnl_expr_set_str(immediate, NFTNL_EXPR_IMM_CHAIN, std::string(to.chain).c_str());
  }

  void operator()(Verdict verdict) {
    constexpr int kCodes[] = {NF_ACCEPT, NF_DROP, NFT_RETURN};
    decide(kCodes[static_cast<std::size_t>(verdict)]);
  }

 private:
  static std::string raw(std::uint32_t value) {
    return {reinterpret_cast<const char*>(&value), sizeof(value)};
  }
  static std::string network_order(std::uint32_t word) {
    return {static_cast<char>(word >> 8), static_cast<char>(word)};
  }
  static std::string raw(const IpAddress& address) {
    return {reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()};
  }

  nftnl_expr* decide(int code) {
    nftnl_expr* immediate = add("immediate");
    nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
    nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(code));
    return immediate;
  }

  nftnl_expr* add(const char* name) {
    nftnl_expr* expression = nftnl_expr_alloc(name);
    nftnl_rule_add_expr(out_, expression);
    return expression;
  }

  void load(const Key& key) {
    for (const Select select : key) check(selector(select).needs);
    std::size_t word = 0;
    for (const Select select : key) {
      load_into(register_number(word), selector(select));
      word += padded(selector(select).size) / 4;
    }
  }

  void load_into(std::uint32_t destination, const Selector& from) {
    switch (from.load) {
      case Selector::Load::meta:
        load_meta(destination, from.key);
        break;
      case Selector::Load::ct:
        load_ct(destination, from.key);
        break;
      case Selector::Load::payload:
        load_payload(destination, from.key, from.offset, from.size);
        break;
      case Selector::Load::fib:
        load_fib(destination, from.key);
        break;
      case Selector::Load::socket:
        load_socket(destination, from.key);
        break;
      case Selector::Load::exthdr:
        load_header(destination, from);
        break;
    }
  }

  void load_meta(std::uint32_t destination, std::uint32_t key) {
    nftnl_expr* meta = add("meta");
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_DREG, destination);
  }

  void load_ct(std::uint32_t destination, std::uint32_t key) {
    nftnl_expr* ct = add("ct");
    nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_KEY, key);
    nftnl_expr_set_u32(ct, NFTNL_EXPR_CT_DREG, destination);
  }

  void load_fib(std::uint32_t destination, std::uint32_t flags) {
    nftnl_expr* fib = add("fib");
    nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_FLAGS, flags);
    nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_OIF);
    nftnl_expr_set_u32(fib, NFTNL_EXPR_FIB_DREG, destination);
  }

  void load_socket(std::uint32_t destination, std::uint32_t key) {
    nftnl_expr* socket = add("socket");
    nftnl_expr_set_u32(socket, NFTNL_EXPR_SOCKET_KEY, key);
    nftnl_expr_set_u32(socket, NFTNL_EXPR_SOCKET_DREG, destination);
  }

  /// Where the packet has no such header the rule ends.
  void load_header(std::uint32_t destination, const Selector& from) {
    nftnl_expr* header = add("exthdr");
    nftnl_expr_set_u32(header, NFTNL_EXPR_EXTHDR_DREG, destination);
    nftnl_expr_set_u8(header, NFTNL_EXPR_EXTHDR_TYPE, static_cast<std::uint8_t>(from.key));
    nftnl_expr_set_u32(header, NFTNL_EXPR_EXTHDR_OFFSET, from.offset);
    nftnl_expr_set_u32(header, NFTNL_EXPR_EXTHDR_LEN, from.size);
  }

  void load_payload(std::uint32_t destination, std::uint32_t base, std::uint32_t offset,
                    std::uint32_t size) {
    nftnl_expr* payload = add("payload");
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_DREG, destination);
    set_place(payload, base, offset, size);
  }

  static void set_place(nftnl_expr* payload, std::uint32_t base, std::uint32_t offset,
                        std::uint32_t size) {
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_BASE, base);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_OFFSET, offset);
    nftnl_expr_set_u32(payload, NFTNL_EXPR_PAYLOAD_LEN, size);
  }

  /// Once for each need in a rule.
  void check(Needs needs) {
    if (needs == Needs::nothing || !checked_.insert(needs).second) return;
    switch (needs) {
      case Needs::ethernet:
        check_ethernet();
        break;
      case Needs::ipv4:
        check_family(NFPROTO_IPV4, ETH_P_IP);
        break;
      case Needs::ipv6:
        check_family(NFPROTO_IPV6, ETH_P_IPV6);
        break;
      case Needs::arp:
        check_arp();
        break;
      case Needs::tcp:
        check_transport(IPPROTO_TCP);
        break;
      case Needs::udp:
        check_transport(IPPROTO_UDP);
        break;
      case Needs::icmp:
        check(Needs::ipv4);
        check_transport(IPPROTO_ICMP);
        break;
      case Needs::icmpv6:
        check(Needs::ipv6);
        check_transport(IPPROTO_ICMPV6);
        break;
      case Needs::igmp:
        check(Needs::ipv4);
        check_transport(IPPROTO_IGMP);
        break;
      case Needs::nothing:
        break;
    }
  }

  void check_family(std::uint8_t family, std::uint16_t type) {
    if (family_ == Family::inet) {
      load_meta(kRegister, NFT_META_NFPROTO);
      compare(NFT_CMP_EQ, std::string(1, static_cast<char>(family)));
    } else {
      load_meta(kRegister, NFT_META_PROTOCOL);
      compare(NFT_CMP_EQ, ether_type(type));
    }
  }

  /// A bridge passes nothing else.
  void check_ethernet() {
    if (family_ == Family::bridge) return;
    constexpr std::uint16_t kType = ARPHRD_ETHER;
    load_meta(kRegister, NFT_META_IIFTYPE);
    compare(NFT_CMP_EQ, {reinterpret_cast<const char*>(&kType), sizeof(kType)});
  }

  /// Not by the frame's own type, as nft does: behind a tag of VLAN 0 the kernel takes ARP too.
  void check_arp() {
    load_meta(kRegister, NFT_META_PROTOCOL);
    compare(NFT_CMP_EQ, ether_type(ETH_P_ARP));
  }

  void check_transport(std::uint8_t protocol) {
    load_meta(kRegister, NFT_META_L4PROTO);
    compare(NFT_CMP_EQ, std::string(1, static_cast<char>(protocol)));
  }

  static std::string ether_type(std::uint16_t type) {
    return {static_cast<char>(type >> 8), static_cast<char>(type)};
  }

  void compare(std::uint32_t operation, const std::string& value) {
    nftnl_expr* cmp = add("cmp");
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_SREG, kRegister);
    nftnl_expr_set_u32(cmp, NFTNL_EXPR_CMP_OP, operation);
    nftnl_expr_set(cmp, NFTNL_EXPR_CMP_DATA, value.data(),
                   static_cast<std::uint32_t>(value.size()));
  }

  /// register = (register & mask) ^ flip
  void mask(const std::string& mask, const std::string& flip) {
    nftnl_expr* bitwise = add("bitwise");
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_SREG, kRegister);
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_DREG, kRegister);
    const auto size = static_cast<std::uint32_t>(mask.size());
    nftnl_expr_set_u32(bitwise, NFTNL_EXPR_BITWISE_LEN, size);
    nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_MASK, mask.data(), size);
    nftnl_expr_set(bitwise, NFTNL_EXPR_BITWISE_XOR, flip.data(), size);
  }

  nftnl_expr* look_up(std::string_view set) {
    nftnl_expr* lookup = add("lookup");
    nftnl_expr_set_u32(lookup, NFTNL_EXPR_LOOKUP_SREG, kRegister);
    nftnl_expr_set_str(lookup, NFTNL_EXPR_LOOKUP_SET, std::string(set).c_str());
    return lookup;
  }

  void look_up_data(std::string_view map, std::uint32_t destination) {
    nftnl_expr_set_u32(look_up(map), NFTNL_EXPR_LOOKUP_DREG, destination);
  }

  void immediate(std::size_t word, const std::string& value) {
    nftnl_expr* immediate = add("immediate");
    nftnl_expr_set_u32(immediate, NFTNL_EXPR_IMM_DREG, register_number(word));
    nftnl_expr_set(immediate, NFTNL_EXPR_IMM_DATA, value.data(),
                   static_cast<std::uint32_t>(value.size()));
  }

  void write_meta(std::uint32_t key) {
    nftnl_expr* meta = add("meta");
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_KEY, key);
    nftnl_expr_set_u32(meta, NFTNL_EXPR_META_SREG, kRegister);
  }

  nftnl_expr* translate(bool source, std::uint32_t family) {
    nftnl_expr* nat = add("nat");
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_TYPE, source ? NFT_NAT_SNAT : NFT_NAT_DNAT);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_FAMILY, family);
    nftnl_expr_set_u32(nat, NFTNL_EXPR_NAT_REG_ADDR_MIN, kRegister);
    return nat;
  }

  Family family_;
  nftnl_rule* out_;
  std::set<Needs> checked_;
};

}  // namespace

void lower(const Rule& rule, nftnl_rule* out) {
  Lowering lowering(rule.family, out);
  for (const Expression& expression : rule.expressions) std::visit(lowering, expression);
}

}  // namespace novaplane::nft
