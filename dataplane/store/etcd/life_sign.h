#pragma once

#include <cstdint>
#include <string>

#include "dataplane/store/etcd/keys.h"
#include "dataplane/store/etcd/members.h"

namespace novaplane::store::etcd {

/// The key that tells that a host's daemon runs: it has a lease and goes with it, kAliveFor after
/// the last give(). Nothing else hangs on it.
class LifeSign {
 public:
  LifeSign(Members& members, const Keys& keys) : members_(members), keys_(keys) {}
  Answer<void> give(const std::string& host);

 private:
  Answer<bool> keep();
  Answer<void> begin(const std::string& host);

  Members& members_;
  Keys keys_;
  std::int64_t lease_ = 0;  ///< 0: none
  std::string host_;        ///< whose key it has
};

}  // namespace novaplane::store::etcd
