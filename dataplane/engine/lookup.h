#pragma once

#include <algorithm>
#include <string>

#include "dataplane/cloud/cloud.h"
#include "dataplane/engine/subsystem.h"

/// How the parts of the compiler look up the document.
namespace novaplane::engine {

inline Object object_of(const cloud::Port& port) { return {ObjectKind::port, port.name}; }
inline Object object_of(const cloud::FloatingIp& ip) {
  return {ObjectKind::floating_ip, ip.address.to_string()};
}
inline Object object_of(const cloud::PortForward& forward) {
  return {ObjectKind::port_forward, forward.name};
}

/// Erases the one entry key -> value of a multimap.
template <class Map, class Value>
void erase_entry(Map& map, const std::string& key, const Value& value) {
  const auto [first, last] = map.equal_range(key);
  const auto it =
      std::find_if(first, last, [&](const auto& entry) { return entry.second == value; });
  if (it != last) map.erase(it);
}

template <class Objects, class Key>
auto* find(const Objects& objects, const Key& key) {
  const auto it = objects.find(key);
  return it != objects.end() ? &it->second : nullptr;
}

}  // namespace novaplane::engine
