#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "dataplane/nft/values.h"

/// The common grammar of nf_tables messages (uapi/linux/netfilter/nf_tables.h):
///
///   message   = nlmsghdr(subsystem 10, NFT_MSG_*) nfgenmsg(family) attribute*
///   table     is attribute 1 of every kind of message, by name
///   comment   = userdata attribute: type(1) length(1) text NUL, and others of that form (libnftnl)
namespace novaplane::nft {

std::uint16_t message_type(std::uint16_t nft_message);  ///< NFT_MSG_* with the subsystem
std::uint8_t protocol_family(Family);                   ///< NFPROTO_*
std::optional<Family> family_of(std::uint8_t protocol_family);

/// NFT_MSG_* of a message of nf_tables, else none.
std::optional<std::uint16_t> nft_message(const nlmsghdr*);

nlmsghdr* start_message(void* place, std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                        std::uint16_t resource);

/// A range over attributes: `for (const nlattr* attribute : nested(list))`.
class Attributes {
 public:
  class Iterator {
   public:
    Iterator(const char* at, const char* end) : at_(at), end_(end) {}
    const nlattr* operator*() const { return reinterpret_cast<const nlattr*>(at_); }
    Iterator& operator++() {
      at_ += MNL_ALIGN((**this)->nla_len);
      return *this;
    }
    bool operator!=(std::nullptr_t) const {
      return mnl_attr_ok(reinterpret_cast<const nlattr*>(at_), static_cast<int>(end_ - at_));
    }

   private:
    const char *at_, *end_;
  };

  explicit Attributes(std::string_view bytes) : bytes_(bytes) {}
  Iterator begin() const { return {bytes_.data(), bytes_.data() + bytes_.size()}; }
  std::nullptr_t end() const { return nullptr; }

 private:
  std::string_view bytes_;
};
Attributes attributes(const nlmsghdr*, std::size_t header_size);
Attributes nested(const nlattr*);  ///< null: none

/// Attributes follow nfgenmsg. None: not there.
const nlattr* find_attribute(const nlmsghdr*, std::uint16_t type);
const nlattr* find_attribute(const nlattr* nest, std::uint16_t type);
std::uint32_t u32_of(const nlattr*, std::uint32_t otherwise = 0);
std::string_view text_of(const nlattr*);  ///< without the final NUL; empty when not there
std::string_view bytes_of(const nlattr*);

/// The errno (positive) in NLMSG_ERROR, or in the NLMSG_DONE of a listing that ended early; 0:
/// none.
int errno_of(const nlmsghdr*);

/// The family when the message is about a table of ours.
std::optional<Family> ours(const nlmsghdr*);

void put_name(nlmsghdr*, std::uint16_t type, std::string_view name);  ///< adds the final NUL

/// Userdata, one `type length value` after the other.
constexpr std::uint8_t kUserdataComment = 0;
constexpr std::size_t kLongestComment = 128;  ///< NFTNL_UDATA_COMMENT_MAXLEN, without its NUL
std::string_view userdata(std::string_view all, std::uint8_t type);

}  // namespace novaplane::nft
