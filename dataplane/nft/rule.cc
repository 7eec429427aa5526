#include "dataplane/nft/rule.h"

#include <cstring>

namespace novaplane::nft {
namespace {

template <class T>
std::string raw(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

std::string raw(const IpAddress& address) {
  return {reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()};
}

std::string port_bytes(std::uint16_t port) {
  return {static_cast<char>(port >> 8), static_cast<char>(port)};
}

bool is_port(Select of) {
  return of == Select::th_dport || of == Select::tcp_dport || of == Select::udp_dport ||
         of == Select::th_sport || of == Select::tcp_sport || of == Select::udp_sport ||
         of == Select::ip6_length || of == Select::arp_operation ||
         of == Select::ip6_saddr_middle || of == Select::nd_target_middle;
}

/// Numbers that take a whole register.
bool is_word(Select of) {
  return of == Select::mark || of == Select::iifgroup || of == Select::oifgroup ||
         of == Select::fib_saddr_iif || of == Select::fib_daddr_iif || of == Select::priority;
}

/// Of packets in network order, of what the kernel knows itself in the host's.
std::string number_bytes(Select of, unsigned number) {
  if (is_port(of) || of == Select::ether_type || of == Select::frame_type)
    return port_bytes(static_cast<std::uint16_t>(number));
  if (is_word(of)) return raw(std::uint32_t{number});
  return raw(static_cast<std::uint8_t>(number));
}

}  // namespace

RuleBuilder&& RuleBuilder::add(Expression expression) {
  rule_.expressions.push_back(std::move(expression));
  return std::move(*this);
}

RuleBuilder&& RuleBuilder::in(Key key, std::string_view set) && {
  return add(InSet{std::move(key), set});
}

RuleBuilder&& RuleBuilder::not_in(Key key, std::string_view set) && {
  return add(InSet{std::move(key), set, true});
}

RuleBuilder&& RuleBuilder::is(Select of, const IpAddress& address) && {
  return add(Compare{of, raw(address), raw(address)});
}

RuleBuilder&& RuleBuilder::is(Select of, const Mac& mac) && {
  return add(Compare{of, raw(mac.bytes), raw(mac.bytes)});
}

RuleBuilder&& RuleBuilder::is(Select of, std::string_view link) && {
  std::string name(link);
  name.resize(16);
  return add(Compare{of, name, name});
}

RuleBuilder&& RuleBuilder::is(Select of, unsigned number) && {
  const std::string value = number_bytes(of, number);
  return add(Compare{of, value, value});
}

RuleBuilder&& RuleBuilder::is_not(Select of, unsigned number) && {
  const std::string value = number_bytes(of, number);
  return add(Compare{of, value, value, /*negated=*/true});
}

RuleBuilder&& RuleBuilder::is_masked(Select of, std::uint32_t mask, std::uint32_t value) && {
  const std::size_t size = is_word(of) ? sizeof(mask) : 1;
  return add(MaskedCompare{of, raw(mask).substr(0, size), raw(value).substr(0, size)});
}

RuleBuilder&& RuleBuilder::is_not_masked(Select of, std::uint32_t mask, std::uint32_t value) && {
  auto&& rule = std::move(*this).is_masked(of, mask, value);
  std::get<MaskedCompare>(rule.rule_.expressions.back()).negated = true;
  return std::move(rule);
}

RuleBuilder&& RuleBuilder::is_masked(Select of, const Mac& mask, const Mac& value) && {
  return add(MaskedCompare{of, raw(mask.bytes), raw(value.bytes)});
}

RuleBuilder&& RuleBuilder::between(Select of, std::uint16_t first, std::uint16_t last) && {
  if (is_port(of)) return add(Compare{of, port_bytes(first), port_bytes(last)});
  return add(
      Compare{of, raw(static_cast<std::uint8_t>(first)), raw(static_cast<std::uint8_t>(last))});
}

RuleBuilder&& RuleBuilder::between(Select of, const IpAddress& first, const IpAddress& last) && {
  return add(Compare{of, raw(first), raw(last)});
}

RuleBuilder&& RuleBuilder::between(Select of, const Mac& first, const Mac& last) && {
  return add(Compare{of, raw(first.bytes), raw(last.bytes)});
}

RuleBuilder&& RuleBuilder::within(Select of, const Prefix& prefix) && {
  return add(InPrefix{of, prefix});
}

RuleBuilder&& RuleBuilder::not_within(Select of, const Prefix& prefix) && {
  return add(InPrefix{of, prefix, true});
}

RuleBuilder&& RuleBuilder::has(Select of, std::uint32_t bits) && { return add(HasBits{of, bits}); }

RuleBuilder&& RuleBuilder::lacks(Select of, std::uint32_t bits) && {
  return add(HasBits{of, bits, true});
}

RuleBuilder&& RuleBuilder::ipv4() && {
  constexpr std::uint8_t kNfprotoIpv4 = 2;
  return std::move(*this).is(Select::nfproto, kNfprotoIpv4);
}

RuleBuilder&& RuleBuilder::ipv6() && {
  constexpr std::uint8_t kNfprotoIpv6 = 10;
  constexpr std::uint16_t kEtherTypeIpv6 = 0x86dd;
  if (rule_.family == Family::inet) return std::move(*this).is(Select::nfproto, kNfprotoIpv6);
  const std::string type = port_bytes(kEtherTypeIpv6);
  return add(Compare{Select::ether_type, type, type});
}

RuleBuilder&& RuleBuilder::set_mark_bits(std::uint32_t bits) && { return add(SetMarkBits{bits}); }
RuleBuilder&& RuleBuilder::clear_mark_bits(std::uint32_t bits) && {
  return add(SetMarkBits{bits, /*clear=*/true});
}
RuleBuilder&& RuleBuilder::set_flow_mark_bits(std::uint32_t bits) && {
  return add(SetMarkBits{bits, /*clear=*/false, /*of_flow=*/true});
}

RuleBuilder&& RuleBuilder::set_pkttype_host() && { return add(SetPkttypeHost{}); }

RuleBuilder&& RuleBuilder::set_priority(std::uint32_t number) && {
  return add(SetPriority{number});
}

RuleBuilder&& RuleBuilder::set(Select target, Key key, std::string_view map) && {
  return add(WriteFromMap{target, std::move(key), map});
}

RuleBuilder&& RuleBuilder::dnat(Key key, std::string_view map) && {
  return add(NatFromMap{false, std::move(key), map, false});
}

RuleBuilder&& RuleBuilder::dnat_with_port(Key key, std::string_view map) && {
  return add(NatFromMap{false, std::move(key), map, true});
}

RuleBuilder&& RuleBuilder::dnat(const IpAddress& address, std::uint16_t port) && {
  return add(NatTo{false, address, port});
}

RuleBuilder&& RuleBuilder::snat(Key key, std::string_view map) && {
  return add(NatFromMap{true, std::move(key), map, false});
}

RuleBuilder&& RuleBuilder::dnat6(Key key, std::string_view map) && {
  return add(NatFromMap{false, std::move(key), map, false, true});
}

RuleBuilder&& RuleBuilder::snat6(Key key, std::string_view map) && {
  return add(NatFromMap{true, std::move(key), map, false, true});
}

RuleBuilder&& RuleBuilder::snat(const IpAddress& address) && {
  return add(NatTo{true, address, 0});
}

RuleBuilder&& RuleBuilder::masquerade() && { return add(Masquerade{}); }
RuleBuilder&& RuleBuilder::notrack() && { return add(NoTrack{}); }
RuleBuilder&& RuleBuilder::update(Key key, std::string_view set, std::uint32_t seconds) && {
  return add(Remember{std::move(key), set, Remember::How::update, seconds});
}
RuleBuilder&& RuleBuilder::remember(Key key, std::string_view set, std::uint32_t seconds) && {
  return add(Remember{std::move(key), set, Remember::How::add, seconds});
}
RuleBuilder&& RuleBuilder::forget(Key key, std::string_view set) && {
  return add(Remember{std::move(key), set, Remember::How::remove});
}
/// The limiter is the set's: the kernel makes each element one (nf_tables_api.c,
/// nft_set_elem_expr_clone), and its verdict is the rule's.
RuleBuilder&& RuleBuilder::beyond(Key key, std::string_view set) && {
  return add(Remember{std::move(key), set});
}
RuleBuilder&& RuleBuilder::jump(Key key, std::string_view map) && {
  return add(JumpByMap{std::move(key), map});
}
RuleBuilder&& RuleBuilder::jump(std::string_view chain) && { return add(ToChain{chain}); }
RuleBuilder&& RuleBuilder::go_to(std::string_view chain) && {
  return add(ToChain{chain, /*comes_back=*/false});
}
RuleBuilder&& RuleBuilder::beside(std::string_view set) && {
  rule_.beside = set;
  return std::move(*this);
}
RuleBuilder&& RuleBuilder::accept() && { return add(Verdict::accept); }
RuleBuilder&& RuleBuilder::drop() && { return add(Verdict::drop); }
RuleBuilder&& RuleBuilder::return_() && { return add(Verdict::return_); }

}  // namespace novaplane::nft
