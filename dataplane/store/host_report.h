#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/store/store.h"

namespace novaplane::store {

/// What a host's daemon tells the others of itself: HostStatus::value.
struct HostReport {
  static constexpr std::size_t kMostFailures = 20, kLongestReason = 300;
  struct Failure {
    std::string object, reason;
    bool operator==(const Failure&) const = default;
  };

  std::string version;
  std::uint32_t format = kFormat;  ///< the highest that it reads
  Revision revision = 0;           ///< that its kernel has
  std::int64_t since = 0;          ///< when the kernel got it: ms since 1970
  std::size_t failing = 0;         ///< reasons for which objects are not in the kernel
  std::vector<Failure> failures;   ///< the first of them
  std::string hold, hold_words;    ///< why its copy does not follow the store; empty: it does
  bool operator==(const HostReport&) const = default;
};

std::string to_json(const HostReport& report);
/// What a later version has added is left out. None: the text is something else.
std::optional<HostReport> parse_host_report(std::string_view json);

}  // namespace novaplane::store
