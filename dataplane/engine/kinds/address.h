#pragma once

#include <optional>
#include <string>

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/engine/kinds/kind.h"
#include "dataplane/netlink/messages.h"

namespace novaplane::engine {

/// Mark: protocol netlink::kOurProtocol.
struct AddressKey {
  std::string link;
  Prefix prefix;
  bool operator==(const AddressKey&) const = default;
};
struct Address {
  std::optional<IpAddress> broadcast;
  bool operator==(const Address&) const = default;
};
using AddressChange = Change<AddressKey, Address>;

struct AddressKind {
  using Key = AddressKey;
  using Row = Address;
  static constexpr Noun kNoun{"address", "addresses"};
  static constexpr Phase kAdd = Phase::addresses, kRemove = Phase::withdraw;
  static std::string subject(const AddressKey& key);
  static std::string text(const AddressKey&, const Address& address);
  static std::string difference(const Address& before, const Address& after);

  static const std::string& link_of(const AddressKey& key, const Address&) { return key.link; }
  static Result<void> add(const AddressChange&, Requests&);
  static Result<void> remove(const AddressChange&, Requests&);
  static void on(const netlink::Seen<netlink::Address>&, const KernelView&, Tables&);
  static void on(const netlink::Gone<netlink::Address>&, const KernelView&, Tables&);
  static void on_link_gone(const std::string& link, bool was_ours, Tables&);
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::AddressKey> {
  std::size_t operator()(const novaplane::engine::AddressKey& k) const {
    return novaplane::hash_of(k.link, k.prefix);
  }
};
