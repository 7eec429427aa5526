#include "dataplane/cloud/changes.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace novaplane::cloud {
namespace {

template <class Objects, class Do>
void edit_each(Objects& objects, Do&& act) {
  if constexpr (requires { objects.edit_each(act); }) {
    objects.edit_each(act);
  } else {
    for (auto& [key, object] : objects) act(key, object);
  }
}

/// The objects of one section, in the order of the document.
template <class Objects>
auto in_places(Objects& objects) {
  std::vector<typename Objects::mapped_type*> found(objects.size());
  edit_each(objects, [&](const auto&, auto& object) {  // as read, the n-th has place n
    const std::size_t place = object.order / kBetween - 1;
    if (place < found.size()) found[place] = &object;
  });
  if (std::find(found.begin(), found.end(), nullptr) == found.end()) return found;
  found.clear();
  edit_each(objects, [&](const auto&, auto& object) { found.push_back(&object); });
  std::stable_sort(found.begin(), found.end(),
                   [](const auto* a, const auto* b) { return a->order < b->order; });
  return found;
}

const std::string& key_of(const Network& network) { return network.name; }
const std::string& key_of(const Port& port) { return port.name; }
const std::string& key_of(const PortForward& forward) { return forward.name; }
const IpAddress& key_of(const FloatingIp& ip) { return ip.address; }

/// Gives places to the objects of one section, from its beginning to its end.
template <class Object>
class Places {
 public:
  /// It has its place from before. False: it stands behind one that was behind it.
  bool keep(Object& object, std::uint64_t place) {
    if (place <= last_) return false;
    object.order = place;
    spread(place);
    last_ = place;
    return true;
  }
  void add(Object& object) { new_.push_back(&object); }
  /// False: there was no room between two.
  bool finish() {
    spread(last_ + (new_.size() + 1) * kBetween);
    return has_room_;
  }

 private:
  /// The new ones, evenly between what stands before them and `end`.
  void spread(std::uint64_t end) {
    const std::uint64_t step = (end - last_) / (new_.size() + 1);
    has_room_ &= step != 0;
    for (std::size_t i = 0; i < new_.size(); ++i) new_[i]->order = last_ + (i + 1) * step;
    new_.clear();
  }

  std::uint64_t last_ = 0;  ///< no object's
  bool has_room_ = true;
  std::vector<Object*> new_;
};

/// False: the places of the two cannot be compared.
template <class Objects, class Key>
bool compare_section(const Objects& before, Objects& after, std::vector<Key>& changed) {
  const auto objects = in_places(after);
  Places<typename Objects::mapped_type> places;
  std::size_t known = 0;
  for (auto* object : objects) {
    const auto old = before.find(key_of(*object));
    known += old != before.end() ? 1 : 0;
    const bool stays = old != before.end() && places.keep(*object, old->second.order);
    if (!stays) places.add(*object);
    if (!stays || !(old->second == *object)) changed.push_back(key_of(*object));
  }
  if (known != before.size()) {
    for (const auto& [key, object] : before) {
      if (!after.contains(key)) changed.push_back(key);
    }
  }
  if (places.finish()) return true;
  std::uint64_t place = 0;
  for (auto* object : objects) object->order = place += kBetween;
  return false;
}

/// A section whose order says nothing; one that is known has the place from before.
template <class Objects>
void compare_unordered(const Objects& before, Objects& after, std::vector<std::string>& changed) {
  for (auto& [name, object] : after) {
    const auto old = before.find(name);
    if constexpr (requires { object.order; }) {
      if (old != before.end()) object.order = old->second.order;
    }
    if (old == before.end() || !(old->second == object)) changed.push_back(name);
  }
  for (const auto& [name, object] : before) {
    if (!after.contains(name)) changed.push_back(name);
  }
}

template <class Objects, class Key>
void compare_objects(const Objects& before, const Objects& after, std::vector<Key>& changed) {
  for (const auto& [key, object] : after) {
    const auto old = before.find(key);
    if (old == before.end() || !(old->second == object)) changed.push_back(key);
  }
  for (const auto& [key, object] : before) {
    if (!after.contains(key)) changed.push_back(key);
  }
}

}  // namespace

Changes compare(const Cloud& before, Cloud& after) {
  Changes changes;
  compare_unordered(before.hosts, after.hosts, changes.hosts);
  compare_unordered(before.security_groups, after.security_groups, changes.security_groups);
  const bool has_places =
      compare_section(before.networks, after.networks, changes.networks) &&
      compare_section(before.ports, after.ports, changes.ports) &&
      compare_section(before.floating_ips, after.floating_ips, changes.floating_ips) &&
      compare_section(before.port_forwards, after.port_forwards, changes.port_forwards);
  changes.order = !has_places;
  changes.ranges = before.no_snat != after.no_snat || before.force_snat != after.force_snat;
  return changes;
}

Changes differences(const Cloud& before, const Cloud& after) {
  Changes changes;
  compare_objects(before.hosts, after.hosts, changes.hosts);
  compare_objects(before.security_groups, after.security_groups, changes.security_groups);
  compare_objects(before.networks, after.networks, changes.networks);
  compare_objects(before.ports, after.ports, changes.ports);
  compare_objects(before.floating_ips, after.floating_ips, changes.floating_ips);
  compare_objects(before.port_forwards, after.port_forwards, changes.port_forwards);
  changes.ranges = before.no_snat != after.no_snat || before.force_snat != after.force_snat;
  return changes;
}

Edit edit_of(SharedCloud before, Cloud after) {
  Changes changes;
  if (before) changes = compare(*before, after);
  return {std::move(before), std::make_shared<Cloud>(std::move(after)), std::move(changes)};
}

}  // namespace novaplane::cloud
