#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "dataplane/engine/kinds/kind.h"

namespace novaplane::engine {

/// How a bridge treats a port; see netlink::PortFlags.
struct PortFlags {
  bool learning = true;
  bool flood = true;
  bool neigh_suppress = false;
  bool operator==(const PortFlags&) const = default;
};

/// A link, ours or not, as the port of a bridge of ours. It is up. Mark: docs/design/ownership.md,
/// "ports".
struct Attachment {
  std::string master;
  std::optional<std::uint32_t> mtu = {};  ///< none: left as found
  std::optional<bool> ipv6 = {};          ///< none: left as found
  bool up = true;
  std::optional<PortFlags> flags = {};  ///< none: left as found
  std::optional<bool> hairpin = {};     ///< frames may leave where they came in; none: as found
  std::optional<std::uint32_t> group =
      {};  ///< a NIC's, see netlink::is_underlay_group; none: as found
  bool operator==(const Attachment&) const = default;
};
using AttachmentKey = std::string;
using AttachmentChange = Change<AttachmentKey, Attachment>;

struct AttachmentKind {
  using Key = AttachmentKey;
  using Row = Attachment;
  static constexpr Noun kNoun{"port", "ports"};
  static constexpr Verbs kVerbs{"attached", "detached"};
  static constexpr Phase kAdd = Phase::attach, kRemove = Phase::detach;
  static std::string subject(const AttachmentKey& port) { return "port " + port; }
  static std::string text(const AttachmentKey&, const Attachment& port);
  static std::string difference(const Attachment& before, const Attachment& after);
  static std::string why_parked(const AttachmentKey& port) {
    return fmt::format("no link {} yet", port);
  }

  static void before_plan(Planning&);  ///< parks ports whose links are not there
  static std::optional<Phase> place(Planning&, const AttachmentKey&, const Attachment* wanted,
                                    const Owner&);
  static void after_rows(Planning&, std::size_t first);  ///< bridges go up behind their ports
  static void after_plan(Planning&);  ///< keeps what nf_tables say of a port while it is attached
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);
};

}  // namespace novaplane::engine
