#pragma once

#include <string>

#include "dataplane/engine/kinds/service.h"

namespace novaplane::engine {

/// One thing that a service knows and can learn or forget while it runs. Mark: the service's files.
struct ServiceEntryKey {
  ServiceKey service;
  std::string name;  ///< "host web1", "name web1": unique within the service
  bool operator==(const ServiceEntryKey&) const = default;
};
struct ServiceEntry {
  std::string line;  ///< the line of its file
  bool operator==(const ServiceEntry&) const = default;
};
using EntryChange = Change<ServiceEntryKey, ServiceEntry>;

struct ServiceEntryKind {
  using Key = ServiceEntryKey;
  using Row = ServiceEntry;
  static constexpr Noun kNoun{"DHCP and DNS entry", "DHCP and DNS entries"};
  static Noun noun(const EntryChange& c);
  static constexpr Phase kAdd = Phase::services, kRemove = Phase::services;
  static constexpr bool kListed = false;
  static std::string subject(const ServiceEntryKey& key) {
    return fmt::format("{} of {}", key.name, key.service);
  }
  static std::string text(const ServiceEntryKey&, const ServiceEntry& entry) { return entry.line; }
  static std::string difference(const ServiceEntry& before, const ServiceEntry&) {
    return "was " + before.line;
  }

  static void on(const SeenServices&, KernelView&, Tables&);
};

}  // namespace novaplane::engine

template <>
struct std::hash<novaplane::engine::ServiceEntryKey> {
  std::size_t operator()(const novaplane::engine::ServiceEntryKey& k) const {
    return novaplane::hash_of(k.service, k.name);
  }
};
