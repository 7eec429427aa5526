#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/base/error.h"
#include "dataplane/conntrack/flow_filter.h"

namespace novaplane::conntrack {

/// Makes the kernel forget flows, exactly those that are meant. Takes as long as a walk over the
/// whole table (30-40 ms at 100,000 flows), so it belongs on a thread that nobody waits for, with
/// its own socket. For one thread at a time, in the network namespace in which it was opened.
class Flows {
 public:
  enum class Way : std::uint8_t {
    filtered,  ///< one request for each filter, the kernel picks the flows; IPv6 is listed still
    listed,    ///< one listing for all filters, then a deletion for each flow
  };

  static Result<Flows> open();
  Flows(Flows&&) noexcept;
  Flows& operator=(Flows&&) noexcept;
  ~Flows();

  /// Flows that match any of the filters leave. The way is chosen: `filtered` where this kernel
  /// does it rightly and the filters are few.
  Result<void> forget(std::span<const FlowFilter> filters);
  Result<void> forget(std::span<const FlowFilter> filters, Way way);

  /// What this kernel can do, asked with a flow of our own between addresses that nobody can have.
  /// A kernel before 6.8 refuses a filter; some accept one for the reply and delete nothing.
  Result<Way> best_way();

 private:
  struct Impl;
  explicit Flows(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace novaplane::conntrack
