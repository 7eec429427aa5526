#pragma once

#include <algorithm>
#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "dataplane/nft/fields.h"
#include "dataplane/nft/values.h"

/// A set or map is declared once, with its name and the types of its fields. The declaration makes
/// what the kernel is told, writes keys and data of elements, and reads them back:
///
///     constexpr MapOf<Fields<Field::ifname, Field::ipv4_addr>, Fields<Field::ether_addr>>
///         kArpSender{Family::bridge, "arp_sender"};
///
///     elements.add(kArpSender, {port.interface, router}, {mac});
///     const auto [interface, router] = kArpSender.read_key(key);
namespace novaplane::nft {

/// What a field is written from, and read back as.
template <Field>
struct FieldValue;
template <>
struct FieldValue<Field::ifname> {
  using In = std::string_view;
  using Out = std::string;
  static void write(Bytes& bytes, In name) { bytes.ifname(name); }
  static Out read(std::string_view bytes) { return Out(bytes.substr(0, bytes.find('\0'))); }
};
/// The chain where a packet goes on.
template <>
struct FieldValue<Field::verdict> : FieldValue<Field::ifname> {
  static void write(Bytes& bytes, In chain) { bytes.jump(chain); }
};

struct AddressField {
  using In = IpAddress;
  using Out = IpAddress;
  static void write(Bytes& bytes, const In& address) { bytes.address(address); }
  static Out read(std::string_view bytes) {
    return IpAddress::from_bytes(
               {reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()})
        .value_or(IpAddress());
  }
};
template <>
struct FieldValue<Field::ipv4_addr> : AddressField {};
template <>
struct FieldValue<Field::ipv6_addr> : AddressField {};
template <>
struct FieldValue<Field::nd_target> : AddressField {};

/// Written from any address of the /64, and read back as its first one.
template <>
struct FieldValue<Field::ipv6_prefix> {
  using In = IpAddress;
  using Out = IpAddress;
  static void write(Bytes& bytes, const In& address) { bytes.prefix(address); }
  static Out read(std::string_view bytes) {
    std::string whole(bytes);
    whole.resize(16);
    return AddressField::read(whole);
  }
};

struct MacField {
  using In = Mac;
  using Out = Mac;
  static void write(Bytes& bytes, const In& mac) { bytes.mac(mac); }
  static Out read(std::string_view bytes) {
    Mac mac;
    std::memcpy(mac.bytes.data(), bytes.data(), mac.bytes.size());
    return mac;
  }
};
template <>
struct FieldValue<Field::ether_addr> : MacField {};
template <>
struct FieldValue<Field::nd_mac> : MacField {};

struct ByteField {
  using In = std::uint8_t;
  using Out = std::uint8_t;
  static void write(Bytes& bytes, In number) { bytes.protocol(number); }
  static Out read(std::string_view bytes) { return static_cast<Out>(bytes[0]); }
};
template <>
struct FieldValue<Field::inet_proto> : ByteField {};
template <>
struct FieldValue<Field::nf_proto> : ByteField {};
template <>
struct FieldValue<Field::icmp_type> : ByteField {};
template <>
struct FieldValue<Field::icmpv6_type> : ByteField {};

struct WordField {
  using In = std::uint16_t;
  using Out = std::uint16_t;
  static void write(Bytes& bytes, In number) { bytes.port(number); }
  static Out read(std::string_view bytes) {
    return static_cast<Out>(static_cast<std::uint8_t>(bytes[0]) << 8 |
                            static_cast<std::uint8_t>(bytes[1]));
  }
};
template <>
struct FieldValue<Field::inet_service> : WordField {};
template <>
struct FieldValue<Field::icmp_id> : WordField {};
template <>
struct FieldValue<Field::ra_lifetime> : WordField {};
template <>
struct FieldValue<Field::icmpv6_id> : WordField {};
template <>
struct FieldValue<Field::ip_id> : WordField {};

struct NumberField {
  using In = std::uint32_t;
  using Out = std::uint32_t;
  static void write(Bytes& bytes, In number) { bytes.word(number); }
  static Out read(std::string_view bytes) {
    Out number;
    std::memcpy(&number, bytes.data(), sizeof(number));
    return number;
  }
};
template <>
struct FieldValue<Field::classid> : NumberField {};
template <>
struct FieldValue<Field::frag_id> : NumberField {};

/// The fields of a key or of data; none: the data of a set.
template <Field... fields>
struct Fields {
  using In = std::tuple<typename FieldValue<fields>::In...>;
  using Out = std::tuple<typename FieldValue<fields>::Out...>;

  static std::vector<Field> list() { return {fields...}; }

  static std::string write(const In& values) {
    Bytes bytes;
    std::apply([&](const auto&... value) { (FieldValue<fields>::write(bytes, value), ...); },
               values);
    return bytes.take();
  }

  /// Bytes that are too few, which no listing gives, are filled up with zeros.
  static Out read(std::string_view encoded) {
    std::string bytes(encoded);
    bytes.resize(std::max(bytes.size(), (padded(size_of(fields)) + ... + std::size_t{0})));
    std::string_view rest = bytes;
    const auto next = [&](std::size_t size) {
      const std::string_view field = rest.substr(0, size);
      rest.remove_prefix(padded(size));
      return field;
    };
    return Out{FieldValue<fields>::read(next(size_of(fields)))...};  // braces: from left to right
  }
};

/// What all declarations share. It is the set's name where only that counts.
template <class KeyFields, class DataFields = Fields<>>
struct Declaration : SetName {
  using Key = typename KeyFields::In;
  using Data = typename DataFields::In;

  constexpr Declaration(Family of, std::string_view called) : SetName{of, called} {}

  Set declared() const { return {*this, KeyFields::list(), DataFields::list()}; }
  Set declared_beside(const SetName& other) const {
    Set set = declared();
    set.beside = other.name;
    return set;
  }

  ElementKey key(const Key& values) const { return {*this, KeyFields::write(values), {}}; }
  static std::string data(const Data& values) { return DataFields::write(values); }
  static typename KeyFields::Out read_key(const ElementKey& key) {
    return KeyFields::read(key.key);
  }
  static typename DataFields::Out read_data(const Element& element) {
    return DataFields::read(element.data);
  }
};

template <Field... key>
struct SetOf : Declaration<Fields<key...>> {
  using Declaration<Fields<key...>>::Declaration;
};

template <class KeyFields, class DataFields>
struct MapOf : Declaration<KeyFields, DataFields> {
  using Declaration<KeyFields, DataFields>::Declaration;
};

/// A set of ranges of addresses.
template <Field address>
struct RangesOf : Declaration<Fields<address>> {
  using Declaration<Fields<address>>::Declaration;
  Set declared() const {
    Set set = Declaration<Fields<address>>::declared();
    set.interval = true;
    return set;
  }
  ElementKey key(const Prefix& range) const {
    return {*this, Bytes().address(range.network()).take(),
            Bytes().address(range.broadcast()).take()};
  }
};

/// A set of keys with ranges in their fields: from the first key to the last one, field by field.
/// No two elements may have a packet in common.
template <Field... fields>
struct BoxesOf : Declaration<Fields<fields...>> {
  using Values = typename Fields<fields...>::In;
  using Key = std::pair<Values, Values>;
  using Declaration<Fields<fields...>>::Declaration;
  Set declared() const {
    Set set = Declaration<Fields<fields...>>::declared();
    set.interval = true;
    return set;
  }
  ElementKey key(const Key& box) const {
    return {*this, Fields<fields...>::write(box.first), Fields<fields...>::write(box.second)};
  }
};

/// A set of ports beside which sets of packets note what comes (Set::noted_in).
template <Field... key>
struct NotedSetOf : Declaration<Fields<key...>> {
  constexpr NotedSetOf(Family of, std::string_view called, std::string_view first,
                       std::string_view second)
      : Declaration<Fields<key...>>(of, called), noted_in{first, second} {}
  Set declared() const {
    Set set = Declaration<Fields<key...>>::declared();
    set.noted_in.assign(noted_in.begin(), noted_in.end());
    return set;
  }

  std::array<std::string_view, 2> noted_in;
};

/// A set whose elements are limiters, of packets.
template <Field... key>
struct PacketLimitersOf : Declaration<Fields<key...>> {
  using Data = Limit;
  using Declaration<Fields<key...>>::Declaration;
  Set declared() const {
    Set set = Declaration<Fields<key...>>::declared();
    set.limits = set.limits_packets = true;
    return set;
  }
  static std::string data(const Limit& limit) {
    return Bytes().limit(limit.rate, limit.burst).take();
  }
};

/// A set whose elements are limiters.
template <Field... key>
struct LimitersOf : Declaration<Fields<key...>> {
  using Data = Limit;
  using Declaration<Fields<key...>>::Declaration;
  Set declared() const {
    Set set = Declaration<Fields<key...>>::declared();
    set.limits = true;
    return set;
  }
  static std::string data(const Limit& limit) {
    return Bytes().limit(limit.rate, limit.burst).take();
  }
};

/// A set that packets write (Set::is_packets_own).
template <Field... key>
struct PacketSetOf : Declaration<Fields<key...>> {
  constexpr PacketSetOf(Family of, std::string_view called, std::uint32_t seconds,
                        Allowance each = {}, std::uint32_t most = 0)
      : Declaration<Fields<key...>>(of, called),
        timeout_seconds(seconds),
        allowance(each),
        size(most) {}
  Set declared() const {
    Set set = Declaration<Fields<key...>>::declared();
    set.timeout_seconds = timeout_seconds;
    set.allowance = allowance;
    set.size = size;
    return set;
  }

  std::uint32_t timeout_seconds = 0;
  Allowance allowance = {};
  std::uint32_t size = 0;
};

/// A set whose elements count the packets that wrote them.
template <Field... key>
struct CountersOf : Declaration<Fields<key...>> {
  using Declaration<Fields<key...>>::Declaration;
  Set declared() const {
    Set set = Declaration<Fields<key...>>::declared();
    set.counts = true;
    return set;
  }
};

}  // namespace novaplane::nft
