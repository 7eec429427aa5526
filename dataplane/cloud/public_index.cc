#include "dataplane/cloud/public_index.h"

#include "dataplane/cloud/rules.h"

namespace novaplane::cloud {
namespace {

template <class Object, class Set, class Key>
std::vector<const Object*> everything_of(const Set& set, const Key& key) {
  const auto [first, last] = set.equal_range(key);
  return {first, last};
}

}  // namespace

void PublicIndex::insert(const PortForward& forward) {
  forwards_.insert(&forward);
  targets_.insert(&forward);
}

void PublicIndex::erase(const PortForward& forward) {
  forwards_.erase(&forward);
  targets_.erase(&forward);
}

std::vector<const FloatingIp*> PublicIndex::floating_ips_of(std::string_view port) const {
  return everything_of<FloatingIp>(floating_ips_, port);
}
std::vector<const PortForward*> PublicIndex::forwards_of(std::string_view port) const {
  return everything_of<PortForward>(forwards_, port);
}
std::vector<const PortForward*> PublicIndex::forwards_at(const IpAddress& address) const {
  return everything_of<PortForward>(targets_, address);
}

/// In a valid cloud the ranges are disjoint, so that only neighbours can overlap; where several
/// new ones do, one of them is found, which is enough.
const PortForward* PublicIndex::overlapping(const PortForward& forward) const {
  const auto collides = [&](const PortForward& other) {
    return other.address == forward.address && other.protocol == forward.protocol &&
           overlap(other.port, forward.port);
  };
  const auto here = targets_.find(&forward);
  if (here == targets_.end()) return nullptr;
  if (here != targets_.begin() && collides(**std::prev(here))) return *std::prev(here);
  const auto behind = std::next(here);
  return behind != targets_.end() && collides(**behind) ? *behind : nullptr;
}

}  // namespace novaplane::cloud
