#include "dataplane/store/allocate.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "dataplane/base/words.h"
#include "dataplane/cloud/rules.h"

namespace novaplane::store {
namespace {

constexpr std::uint64_t kMostOfARange = std::uint64_t{1} << 32;  ///< of IPv6, its beginning

std::uint64_t size_of(const Prefix& range) {
  const unsigned host_bits = range.address.bits() - range.length;
  return host_bits >= 32 ? kMostOfARange : std::uint64_t{1} << host_bits;
}

IpAddress address_at(const Prefix& range, std::uint64_t offset) {
  const IpAddress first = range.network();
  std::vector<std::uint8_t> bytes(first.bytes().begin(), first.bytes().end());
  for (auto byte = bytes.rbegin(); byte != bytes.rend() && offset != 0; ++byte) {
    offset += *byte;
    *byte = static_cast<std::uint8_t>(offset);
    offset >>= 8;
  }
  return *IpAddress::from_bytes(bytes);
}

/// Ranges as one row of addresses, without those that are reserved.
class Row {
 public:
  Row(const std::vector<Prefix>& ranges, const std::vector<Prefix>& reserved)
      : ranges_(ranges), reserved_(reserved) {
    for (const Prefix& range : ranges_) size_ += size_of(range);
  }

  std::uint64_t size() const { return size_; }
  IpAddress at(std::uint64_t place) const {
    for (const Prefix& range : ranges_) {
      if (place < size_of(range)) return address_at(range, place);
      place -= size_of(range);
    }
    return {};
  }
  bool contains(const IpAddress& address) const {
    return is_in(ranges_, address) && !is_in(reserved_, address);
  }

  /// A free one, by chance as long as there are many, else the next one after a random place.
  template <class IsFree>
  std::optional<IpAddress> choose(std::mt19937_64& random, IsFree&& is_free) const {
    constexpr unsigned kByChance = 32;
    constexpr std::uint64_t kMostSteps = 1 << 20;
    if (size_ == 0) return std::nullopt;
    std::uniform_int_distribution<std::uint64_t> place(0, size_ - 1);
    const auto is_good = [&](const IpAddress& address) {
      return contains(address) && is_free(address);
    };
    for (unsigned i = 0; i < kByChance; ++i) {
      if (const IpAddress address = at(place(random)); is_good(address)) return address;
    }
    const std::uint64_t first = place(random);
    for (std::uint64_t i = 0; i < std::min(size_, kMostSteps); ++i) {
      if (const IpAddress address = at((first + i) % size_); is_good(address)) return address;
    }
    return std::nullopt;
  }

 private:
  static bool is_in(const std::vector<Prefix>& ranges, const IpAddress& address) {
    return std::ranges::any_of(ranges,
                               [&](const Prefix& range) { return range.contains(address); });
  }

  std::vector<Prefix> ranges_, reserved_;
  std::uint64_t size_ = 0;
};

Row row_of(const cloud::Pools& pools, const cloud::Network& network) {
  std::vector<Prefix> ranges, reserved;
  for (const auto& [name, pool] : pools) {
    if (pool.network != network.name) continue;
    ranges.insert(ranges.end(), pool.ranges.begin(), pool.ranges.end());
    reserved.insert(reserved.end(), pool.reserved.begin(), pool.reserved.end());
  }
  if (ranges.empty()) ranges.push_back(network.cidr);
  return {ranges, reserved};
}

tl::unexpected<Declined> exhausted(const std::string& what, std::size_t resting) {
  std::string words = fmt::format("{} has no free address", what);
  if (resting != 0) {
    words += fmt::format("; {} freed less than 5 minutes ago",
                         count(resting, "address") + (resting == 1 ? " was" : " were"));
  }
  return tl::unexpected(Declined{"exhausted", std::move(words)});
}

}  // namespace

bool Allocator::is_free(const cloud::Network& network, const IpAddress& address) const {
  return !cloud::misplaced(network, address) && !given_.contains({network.name, address}) &&
         copy_.checked().holder(network, address).empty() &&
         !copy_.freed().is_resting(network.name, address, now_);
}

bool Allocator::is_free(const IpAddress& address) const {
  return !given_.contains({"", address}) && copy_.checked().public_holder(address).empty() &&
         !copy_.freed().is_resting("", address, now_);
}

tl::expected<IpAddress, Declined> Allocator::fixed_address(const std::string& name) {
  const auto* network = cloud::lookup(copy_.cloud().networks, name);
  if (!network) {
    return tl::unexpected(Declined{"dangling", fmt::format("there is no network {}", name)});
  }
  const Row row = row_of(copy_.pools(), *network);
  std::set<IpAddress> resting;
  const auto address = row.choose(random_, [&](const IpAddress& candidate) {
    if (is_free(*network, candidate)) return true;
    if (copy_.freed().is_resting(name, candidate, now_)) resting.insert(candidate);
    return false;
  });
  if (!address) return exhausted("network " + name, resting.size());
  given_.insert({name, *address});
  return *address;
}

tl::expected<IpAddress, Declined> Allocator::floating_address(const std::string& name) {
  const auto* pool = cloud::lookup(copy_.pools(), name);
  if (!pool) return tl::unexpected(Declined{"dangling", fmt::format("there is no pool {}", name)});
  if (!pool->network.empty()) {
    return tl::unexpected(Declined{
        "wrong-mode",
        fmt::format("pool {} has addresses of network {}, not floating IPs", name, pool->network)});
  }
  std::set<IpAddress> resting;
  const auto address =
      Row(pool->ranges, pool->reserved).choose(random_, [&](const IpAddress& candidate) {
        if (is_free(candidate)) return true;
        if (copy_.freed().is_resting("", candidate, now_)) resting.insert(candidate);
        return false;
      });
  if (!address) return exhausted("pool " + name, resting.size());
  given_.insert({"", *address});
  return *address;
}

tl::expected<Mac, Declined> Allocator::mac() {
  constexpr unsigned kTries = 1000;
  for (unsigned i = 0; i < kTries; ++i) {
    const std::uint64_t bits = random_();
    const Mac mac{{0xfa, 0x16, 0x3e, static_cast<std::uint8_t>(bits),
                   static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits >> 16)}};
    if (!copy_.checked().port_of(mac) && given_macs_.insert(mac).second) return mac;
  }
  return tl::unexpected(Declined{"exhausted", "no free MAC address was found in 1,000 tries"});
}

tl::expected<cloud::FloatingIp, Declined> Allocator::floating_ip(const std::string& pool) {
  return floating_address(pool).map([&](const IpAddress& address) {
    cloud::FloatingIp ip;
    ip.address = address;
    ip.uplink = copy_.pools().find(pool)->second.uplink;
    return ip;
  });
}

/// What others of the same proposal ask for by name is not free.
void Allocator::note_addresses_of(const std::vector<cloud::ObjectEdit>& edits) {
  for (const cloud::ObjectEdit& edit : edits) {
    if (!edit.object) continue;
    if (const auto* port = std::get_if<cloud::Port>(&*edit.object)) {
      given_.insert({port->network, port->address});
      given_macs_.insert(port->mac);
    }
    if (const auto* ip = std::get_if<cloud::FloatingIp>(&*edit.object)) {
      given_.insert({"", ip->address});
    }
  }
}

tl::expected<void, Declined> Allocator::complete(cloud::Port& port) {
  if (port.mac.is_zero()) {
    const auto mac = this->mac();
    if (!mac) return tl::unexpected(mac.error());
    port.mac = *mac;
  }
  // A network that is not there is found when the port is validated.
  if (cloud::is_known(port.address) || !copy_.cloud().networks.contains(port.network)) return {};
  const auto address = fixed_address(port.network);
  if (!address) return tl::unexpected(address.error());
  port.address = *address;
  return {};
}

tl::expected<void, Declined> Allocator::complete(std::vector<cloud::ObjectEdit>& edits) {
  note_addresses_of(edits);
  for (cloud::ObjectEdit& edit : edits) {
    auto* port = edit.object ? std::get_if<cloud::Port>(&*edit.object) : nullptr;
    if (!port) continue;
    if (auto completed = complete(*port); !completed) return completed;
  }
  return {};
}

PoolUse use_of(const Copy& copy, const cloud::Pool& pool) {
  const Row row(pool.ranges, pool.reserved);
  PoolUse use;
  use.total = row.size();
  for (const Prefix& reserved : pool.reserved) {
    for (const Prefix& range : pool.ranges) {
      if (!range.overlaps(reserved)) continue;
      use.total -= std::min(size_of(range), size_of(reserved));
    }
  }
  if (pool.network.empty()) {
    for (const auto& [address, ip] : copy.cloud().floating_ips) use.used += row.contains(address);
  } else {
    for (const auto* port : copy.checked().ports_of(pool.network)) {
      use.used += row.contains(port->address);
    }
  }
  return use;
}

}  // namespace novaplane::store
