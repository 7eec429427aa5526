#pragma once

#include <cstdint>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/store/committer.h"
#include "dataplane/store/copy.h"

namespace novaplane::store {

/// Chooses addresses for what is created without one, for one proposal: what it gave out once it
/// does not give out again. They are a field of their object and committed with it, so that two
/// hosts cannot both have one: the later commit loses the race, and proposes again.
class Allocator {
 public:
  /// `now`: ms since 1970.
  Allocator(const Copy& copy, std::mt19937_64& random, std::int64_t now)
      : copy_(copy), random_(random), now_(now) {}

  /// Random among the free ones of the network's pools, or of its cidr where it has none.
  tl::expected<IpAddress, Declined> fixed_address(const std::string& network);
  /// fa:16:3e and three random bytes, as OpenStack does it.
  tl::expected<Mac, Declined> mac();
  /// Random among the free ones of a pool without network.
  tl::expected<IpAddress, Declined> floating_address(const std::string& pool);

  /// Gives ports without address or MAC what they lack.
  tl::expected<void, Declined> complete(std::vector<cloud::ObjectEdit>& edits);
  /// A new floating IP of the pool, with the pool's uplink.
  tl::expected<cloud::FloatingIp, Declined> floating_ip(const std::string& pool);

 private:
  bool is_free(const cloud::Network& network, const IpAddress& address) const;
  bool is_free(const IpAddress& address) const;
  void note_addresses_of(const std::vector<cloud::ObjectEdit>& edits);
  tl::expected<void, Declined> complete(cloud::Port& port);

  const Copy& copy_;
  std::mt19937_64& random_;
  std::int64_t now_;
  std::set<std::pair<std::string, IpAddress>> given_;  ///< network, address
  std::set<Mac> given_macs_;
};

/// How much of a pool is in use, for people.
struct PoolUse {
  std::uint64_t total = 0;  ///< without what is reserved
  std::uint64_t used = 0;
};
PoolUse use_of(const Copy& copy, const cloud::Pool& pool);

}  // namespace novaplane::store
