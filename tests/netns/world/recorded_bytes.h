#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/base/fd.h"

/// Netlink messages, and their bytes as text: the ground of recorded_messages.h.
namespace novaplane::netns {

using Bytes = std::string;

template <class Header>
Bytes header_of(const Header& header) {
  return {reinterpret_cast<const char*>(&header), sizeof header};
}

/// One netlink socket in the caller's namespace; requests are asked one at a time.
class Talker {
 public:
  explicit Talker(int protocol);

  /// The body (from the family's header on) of each message of a listing.
  void list(std::uint16_t type, const Bytes& body, const std::function<void(Bytes)>& take) const;
  /// The kernel's errno; 0: done.
  int ask(std::uint16_t type, int flags, const Bytes& body) const;

  static Bytes message(std::uint16_t type, int flags, const Bytes& body);
  void send(const Bytes& bytes) const;
  int verdict() const;  ///< of the first error, or of the last answer

 private:
  bool answers(const std::function<bool(const nlmsghdr&)>& take) const;

  Fd fd_;
};

struct Attribute {
  std::uint16_t type;
  Bytes value;
};
std::vector<Attribute> attributes_of(const Bytes& body, std::size_t header);
const Bytes* find(const std::vector<Attribute>& attributes, std::uint16_t type);
Bytes bytes_of(const Attribute& attribute);  ///< with its length and padding

/// Two digits a byte, or a point for a zero.
std::string hex(const Bytes& bytes);
/// The name that stands for a link's number.
std::string hex_of_link(const char* number);
/// And back; names of links become numbers of the namespace in which the caller is.
Bytes from_hex(const std::string& text);

}  // namespace novaplane::netns
