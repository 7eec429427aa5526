#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/address.h"
#include "dataplane/cloud/object.h"

namespace novaplane::store {

/// Addresses that objects gave back lately. Others may still have them in their caches (ARP, DNS,
/// lists of their own), so they are not given out again at once.
class FreedAddresses {
 public:
  static constexpr std::int64_t kRestMs = 5 * 60 * 1000;

  /// `freed`: of a change (Change::freed), `at`: when, in ms since 1970.
  void note(const std::vector<std::string>& freed, std::int64_t at);
  /// Of a network; of floating IPs where that is empty.
  bool is_resting(const std::string& network, const IpAddress& address, std::int64_t now) const;
  std::size_t size() const { return at_.size(); }

 private:
  void forget_before(std::int64_t time);

  std::map<std::string, std::int64_t> at_;  ///< "blue/10.0.0.11", "/203.0.113.7"
  std::int64_t swept_ = 0;
};

/// What the edit gives back, as Change::freed has it: addresses that the object had before and has
/// no more.
std::vector<std::string> freed_by(const std::optional<cloud::AnyObject>& before,
                                  const std::optional<cloud::AnyObject>& after);

}  // namespace novaplane::store
