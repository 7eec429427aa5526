#include <linux/rtnetlink.h>

#include <algorithm>

#include "dataplane/engine/kernel_view.h"

/// What NICs carry for the host, and where it stands.
namespace novaplane::engine {

void KernelView::mark_wire(const std::string& name) {
  mark_port(name);
  if (wires_.insert(name).second) takeovers_stale_ = true;
}

void KernelView::know(std::map<IpAddress, RouterFacts> routers) {
  if (routers == routers_) return;
  routers_ = std::move(routers);
  facts_stale_ = true;
}

/// Something that a NIC carries may be another: a DHCP client may have put an address back.
void KernelView::note_change_on(const std::string& link) {
  if (wires_.contains(link) || tables_.takeovers.rows().desired(link)) takeovers_stale_ = true;
}

/// A global address, not ours. It is a fact of a NIC that the document names, also when it stands
/// on the NIC's bridge.
void KernelView::note_address_on(int index) {
  const std::string& name = name_of(index);
  note_change_on(name);
  const bool is_of_wire = std::ranges::any_of(watched_, [&](const std::string& watched) {
    const netlink::Link* nic = link(watched);
    return watched == name || (nic && nic->master == index);
  });
  if (is_of_wire) facts_stale_ = true;
}

void KernelView::refresh_takeovers() {
  if (!std::exchange(takeovers_stale_, false)) return;
  for (const std::string& nic : questions_.recorded_nics()) mark_wire(nic);
  std::set<std::string> nics = wires_;
  tables_.takeovers.rows().for_each(
      [&](const TakeoverKey& nic, auto*, auto*) { nics.insert(nic); });
  for (const std::string& nic : nics) refresh_takeover(nic);
  takeovers_stale_ = false;
}

/// The seen side is as wanted where nothing has to move.
void KernelView::refresh_takeover(const std::string& nic) {
  const netlink::Link* port = link(nic);
  const Takeover* wanted = tables_.takeovers.rows().desired(nic);
  const netlink::Link* master = port && port->master != 0 ? link(port->master) : nullptr;
  if (master && !is_ours(*master)) master = nullptr;
  const bool stays = tables_.attachments.rows().desired(nic) && !wanted;  // a VLAN device
  const bool leaves = master && !stays && (!wanted || wanted->holder != master->name);
  Takeover seen;
  if (leaves && (wanted || questions_.may_have_moved(nic))) {
    seen = {master->name, questions_.carried(master->index)};
  }
  if (wanted && port && seen.things.empty()) seen = {nic, questions_.carried(port->index)};
  if (wanted && port && !master && seen.things.empty()) seen = {{}, questions_.recorded(nic)};
  if (!seen.things.empty()) return tables_.takeovers.saw(nic, seen);
  if (wanted) return tables_.takeovers.saw(nic, Takeover{wanted->holder});
  tables_.takeovers.gone(nic);
}

/// An address that routing protocols announce stands on no NIC: its packets leave by whichever.
void KernelView::carry_by_nics(Facts& facts) {
  constexpr std::uint32_t kEthernet = 1500;
  facts.tunnel->mtu = kEthernet;
  if (facts.links.empty()) return;
  const auto smallest =
      std::min_element(facts.links.begin(), facts.links.end(),
                       [](const auto& a, const auto& b) { return a.second.mtu < b.second.mtu; });
  facts.tunnel->mtu = smallest->second.mtu;
}

}  // namespace novaplane::engine
