#include "dataplane/store/freed_addresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace novaplane::store {
namespace {

std::string key_of(const std::string& network, const IpAddress& address) {
  return fmt::format("{}/{}", network, address);
}

std::set<std::string> addresses_of(const std::optional<cloud::AnyObject>& object) {
  std::set<std::string> keys;
  if (!object) return keys;
  if (const auto* port = std::get_if<cloud::Port>(&*object)) {
    keys.insert(key_of(port->network, port->address));
    if (port->address6) keys.insert(key_of(port->network, *port->address6));
  }
  if (const auto* ip = std::get_if<cloud::FloatingIp>(&*object)) {
    keys.insert(key_of("", ip->address));
  }
  return keys;
}

}  // namespace

void FreedAddresses::note(const std::vector<std::string>& freed, std::int64_t at) {
  for (const std::string& key : freed) {
    std::int64_t& last = at_[key];
    last = std::max(last, at);
  }
  forget_before(at - kRestMs);
}

/// Now and then, so that each one costs little.
void FreedAddresses::forget_before(std::int64_t time) {
  if (time < swept_ + kRestMs) return;
  swept_ = time;
  std::erase_if(at_, [&](const auto& entry) { return entry.second < time; });
}

bool FreedAddresses::is_resting(const std::string& network, const IpAddress& address,
                                std::int64_t now) const {
  const auto found = at_.find(key_of(network, address));
  return found != at_.end() && now < found->second + kRestMs;
}

std::vector<std::string> freed_by(const std::optional<cloud::AnyObject>& before,
                                  const std::optional<cloud::AnyObject>& after) {
  const std::set<std::string> had = addresses_of(before), has = addresses_of(after);
  std::vector<std::string> freed;
  std::ranges::set_difference(had, has, std::back_inserter(freed));
  return freed;
}

}  // namespace novaplane::store
