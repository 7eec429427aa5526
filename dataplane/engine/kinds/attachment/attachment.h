#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/host/originals.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/request.h"

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
  /// The bridge, not ours, that the link is a port of; or null.
  static const netlink::Link* held_by_others(const Planning&, const std::string& port);
  static void after_rows(Planning&, std::size_t first);  ///< bridges go up behind their ports
  static void after_plan(Planning&);  ///< keeps what nf_tables say of a port while it is attached
  static void refresh(const netlink::Link&, KernelView&, Tables&);
  static void refresh_wanted(KernelView&, Tables&);
  static void on(const netlink::Seen<netlink::BridgePort>&, KernelView&, Tables&);
  static void on_mark(const netlink::Link&, KernelView&, Tables&);
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);

  struct ApplyState {
    std::unordered_set<std::string> still_attached;  ///< ports: detaching has failed, in this pass
  };
  /// What a port is before it joins.
  static void look_up(const AttachmentChange&, const KernelView&, KnownLinks&);
  static void begin(ApplyContext&);
  // With the steps of NIC migrations: a NIC joins or leaves in one send with what it carries.
  static void detach_all(ApplyContext&, const Work&);
  static void attach_all(ApplyContext&, const Work&);
  static constexpr Runner kRunners[] = {{Phase::detach, detach_all},
                                        {Phase::attach, attach_all, /*in_slices=*/true}};
  /// What the port becomes; none: there is no link of its bridge's name.
  static std::optional<netlink::LinkSettings> joining(ApplyContext&, const AttachmentChange&);
  static netlink::LinkSettings leaving();
  static constexpr std::string_view kOriginals[] = {"up", "mtu", "ipv6", "group"};
  static Result<void> give_back(ApplyContext&, std::string_view what, const std::string& name,
                                const Originals::Value& value);
  static void forget_record(ApplyContext&, const std::string& port);
  static void forget_old_records(ApplyContext&, std::vector<Error>& failed);
};

}  // namespace novaplane::engine
