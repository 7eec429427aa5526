#pragma once

#include <fmt/format.h>
#include <linux/netlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "dataplane/base/address.h"
#include "dataplane/netlink/request.h"

/// Attributes of rtnetlink messages to and from our values, for the builders and parsers.
namespace novaplane::netlink {

/// The family header, right behind the message's own.
template <class Header>
void put_header(Request& request, const Header& header) {
  Header copy = header;
  if (nlmsg_append(request.message(), &copy, sizeof(copy), NLMSG_ALIGNTO) == 0) return;
  request.refuse(EMSGSIZE, "the request is too long: its header does not fit");
}

/// Each builder asks for the room that it needs. An attribute that does not fit all the same, or
/// that is longer than an attribute can be (its length has 16 bits), refuses the whole request:
/// without it the kernel would do something else than what was asked for.
inline void put(Request& request, int type, const void* data, std::size_t size) {
  constexpr std::size_t kLongest = std::numeric_limits<std::uint16_t>::max() - NLA_HDRLEN;
  const bool fits =
      size <= kLongest && nla_put(request.message(), type, static_cast<int>(size), data) == 0;
  if (fits) return;
  request.refuse(EMSGSIZE, fmt::format("the request is too long: attribute {} of {} bytes does "
                                       "not fit",
                                       type & NLA_TYPE_MASK, size));
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
      : request_(request), start_(nla_nest_start(request.message(), type)), type_(type) {
    if (!start_) refuse();
  }
  /// libnl takes a nest back that is longer than an attribute can be.
  ~Nest() {
    if (start_ && nla_nest_end(request_.message(), start_) < 0) refuse();
  }
  Nest(const Nest&) = delete;
  Nest& operator=(const Nest&) = delete;

 private:
  void refuse() {
    request_.refuse(EMSGSIZE, fmt::format("the request is too long: attribute {} does not fit",
                                          type_ & NLA_TYPE_MASK));
  }

  Request& request_;
  nlattr* start_;
  int type_;
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
