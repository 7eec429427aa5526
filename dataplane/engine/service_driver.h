#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/plan.h"
#include "dataplane/engine/rows.h"

namespace novaplane::engine {

struct SeenServices {
  RowList<ServiceKey, Service> services;
  RowList<ServiceEntryKey, ServiceEntry> entries;
};

/// In a program's folder, of a configuration that it refused: begins the last line, which says why.
constexpr std::string_view kRefusal = "# Refused: ";
std::string with_refusal(std::string config, std::string why);

/// Runs programs of ours and tells what runs: the rows of two kinds, which it knows by name. Has no
/// memory that it needs: what is true stands in the run directory and in /proc.
class ServiceDriver {
 public:
  virtual ~ServiceDriver() = default;

  /// What runs with what configuration, and what it was told. A process counts only if its command
  /// line names our configuration file; one that is not quite as it would be started (its device
  /// was made again, its files were edited) is told as a row that equals no wanted one.
  virtual Result<SeenServices> observe() = 0;

  /// Applies the service changes and entry changes of one pass, in an order of its own; results in
  /// the order of `steps`. Steps hold ServiceChange or EntryChange only.
  virtual std::vector<Result<void>> apply(std::span<const Step* const> steps) = 0;

  /// Descriptors (pidfds) that turn readable when the service has died, owned by the driver and
  /// valid until the next apply() or observe().
  virtual std::vector<std::pair<ServiceKey, int>> watch() const = 0;
};

}  // namespace novaplane::engine
