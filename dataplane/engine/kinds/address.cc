#include "dataplane/engine/kinds/address.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "dataplane/engine/kernel_view.h"
#include "dataplane/engine/requests.h"

namespace novaplane::engine {
namespace {

netlink::Address message_of(const AddressKey& key, const Address& row, int link) {
  return {.link = link,
          .prefix = key.prefix,
          .broadcast = row.broadcast,
          .protocol = netlink::kOurProtocol,
          .scope = RT_SCOPE_UNIVERSE,
          // Every host has the gateway's: looked for on the wire it would be found.
          .flags = key.prefix.address.is_v4() ? 0u : IFA_F_NODAD};
}

}  // namespace

std::string AddressKind::subject(const AddressKey& key) {
  return fmt::format("address {} dev {}", key.prefix, key.link);
}

std::string AddressKind::text(const AddressKey&, const Address& address) {
  return address.broadcast ? fmt::format("broadcast {}", *address.broadcast) : "";
}

std::string AddressKind::difference(const Address& before, const Address& after) {
  std::string text;
  compare(text, "broadcast", text_or_none(before.broadcast), text_or_none(after.broadcast));
  return text;
}

Result<void> AddressKind::add(const AddressChange& change, Requests& requests) {
  return requests.number_of(change.key.link).map([&](int link) {
    if (change.before) {
      requests.first(netlink::delete_address(message_of(change.key, *change.before, link)));
    }
    requests.then(netlink::add_address(message_of(change.key, *change.after, link)));
  });
}

Result<void> AddressKind::remove(const AddressChange& change, Requests& requests) {
  return requests.number_of(change.key.link).map([&](int link) {
    requests.removal(netlink::delete_address(message_of(change.key, *change.before, link)));
  });
}

void AddressKind::on(const netlink::Seen<netlink::Address>& seen, const KernelView& view,
                     Tables& tables) {
  const netlink::Address& address = seen.value;
  if (address.protocol != netlink::kOurProtocol) return;
  tables.addresses.set_actual({view.name_of(address.link), address.prefix}, {address.broadcast});
}

void AddressKind::on(const netlink::Gone<netlink::Address>& gone, const KernelView& view,
                     Tables& tables) {
  const netlink::Address& address = gone.value;
  if (address.protocol != netlink::kOurProtocol) return;
  tables.addresses.remove_actual({view.name_of(address.link), address.prefix});
}

void AddressKind::on_link_gone(const std::string& link, bool was_ours, Tables& tables) {
  if (was_ours) tables.addresses.remove_actual_where([&](auto& key) { return key.link == link; });
}

}  // namespace novaplane::engine
