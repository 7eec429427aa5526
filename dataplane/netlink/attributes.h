#pragma once

#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cassert>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/netlink/request.h"

/// Attributes of rtnetlink messages to and from our values, for the builders and parsers.
namespace novaplane::netlink {

inline void put(Request& request, int type, const void* data, std::size_t size) {
  [[maybe_unused]] const int status =
      nla_put(request.message(), type, static_cast<int>(size), data);
  assert(status == 0);  // each builder asks for the room that it needs
}
/// Numbers in host order; the size of the type is the size of the attribute.
template <class T>
requires std::is_integral_v<T>
void put(Request& request, int type, T value) { put(request, type, &value, sizeof(value)); }
/// Without a closing zero: the kernel takes the length.
inline void put(Request& request, int type, std::string_view text) {
  put(request, type, text.data(), text.size());
}
inline void put(Request& request, int type, const IpAddress& address) {
  put(request, type, address.bytes().data(), address.bytes().size());
}
inline void put(Request& request, int type, const Mac& mac) {
  put(request, type, mac.bytes.data(), mac.bytes.size());
}

/// Attributes put while this lives are inside the one named `type`.
class Nest {
 public:
  Nest(Request& request, int type)
      : message_(request.message()), start_(nla_nest_start(message_, type)) {
    assert(start_);
  }
  ~Nest() { nla_nest_end(message_, start_); }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  nl_msg* message_;
  nlattr* start_;
};

/// A received message's attributes up to type `kLast`; later ones, and those of a size that cannot
/// be, are as if they were absent.
template <int kLast>
class Attributes {
 public:
  /// Those behind a message's family header.
  Attributes(const nlmsghdr& message, std::size_t header) {
    const int size = static_cast<int>(header);
    parse(nlmsg_attrdata(&message, size), nlmsg_attrlen(&message, size));
  }
  /// Those inside another one, which may be absent.
  explicit Attributes(const nlattr* nest) {
    if (nest) parse(static_cast<nlattr*>(nla_data(nest)), nla_len(nest));
  }

  const nlattr* find(int type) const { return table_[type]; }

  template <class T>
  T number(int type, T otherwise = {}) const {
    const auto data = bytes(type);
    if (data.size() < sizeof(T)) return otherwise;
    T value;
    std::memcpy(&value, data.data(), sizeof(T));
    return value;
  }
  std::string text(int type) const {
    const auto data = bytes(type);
    return {data.begin(), std::find(data.begin(), data.end(), 0)};
  }
  std::optional<IpAddress> address(int type) const { return IpAddress::from_bytes(bytes(type)); }
  std::optional<Mac> mac(int type) const {
    const auto data = bytes(type);
    Mac mac;
    if (data.size() != mac.bytes.size()) return std::nullopt;
    std::memcpy(mac.bytes.data(), data.data(), data.size());
    return mac;
  }
  std::span<const std::uint8_t> bytes(int type) const {
    const nlattr* attribute = table_[type];
    if (!attribute) return {};
    return {static_cast<const std::uint8_t*>(nla_data(attribute)),
            static_cast<std::size_t>(nla_len(attribute))};
  }

 private:
  void parse(nlattr* first, int length) { nla_parse(table_, kLast, first, length, nullptr); }

  nlattr* table_[kLast + 1] = {};
};

}  // namespace novaplane::netlink
