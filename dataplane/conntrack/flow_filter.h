#pragma once

#include <cstdint>
#include <optional>

#include "dataplane/base/address.h"

struct nlmsghdr;
struct nf_conntrack;

namespace novaplane::conntrack {

/// Which flows are meant. A flow's original tuple is its first packet as it came in; its reply
/// tuple is what the answer looks like, so translated addresses stand there.
struct FlowFilter {
  enum class Which : std::uint8_t {
    original_destination,  ///< inbound flows of a floating IP
    reply_destination,     ///< outbound flows that leave with this address
    translated_source,     ///< flows from this address whose source was translated
    mark,                  ///< flows with (mark & mask) == mark
    untranslated,          ///< flows from or to this address beyond `within`, translated in no way
  };
  Which which = Which::original_destination;
  IpAddress address{};               ///< not for mark
  std::uint32_t mark = 0, mask = 0;  ///< for mark only
  // original_destination: those of one service only.
  std::optional<std::uint8_t> protocol{};  ///< IPPROTO_*
  std::optional<std::uint16_t> port{};
  // Those that are translated to this address already stay: the source of translated_source, the
  // destination of original_destination.
  std::optional<IpAddress> keep{};
  std::optional<Prefix> within{};  ///< untranslated: flows inside of it stay
  bool operator==(const FlowFilter&) const = default;
};

/// The kernel finds candidates, and matches() picks among them.
inline bool is_refined(const FlowFilter& filter) {
  return filter.protocol || filter.port || filter.keep;
}

/// AF_INET, AF_INET6, or AF_UNSPEC where both are meant.
int family_of(const FlowFilter&);

/// Has the kernel apply the filter, without its refinements, to a listing or a deletion.
void put_filter(nlmsghdr* message, const FlowFilter&);

bool matches(const FlowFilter&, const nf_conntrack* flow);

}  // namespace novaplane::conntrack
