#pragma once

#include <map>
#include <string>
#include <vector>

#include "dataplane/engine/service_driver.h"
#include "dhcp/instance.h"

namespace novaplane::dhcp {

/// Runs the dnsmasq of each network: services "dhcp/<network>". They outlive us: a fresh driver
/// finds them by their command lines and takes them over without a write or a signal.
class DnsmasqDriver : public engine::ServiceDriver {
 public:
  /// Everything is kept below `run_dir`/dhcp. `program`: a path, or a name that is looked up; its
  /// file must be called dnsmasq. `resolv_file`: another one than the system's.
  explicit DnsmasqDriver(const std::string& run_dir, std::string program = "dnsmasq",
                         const std::string& resolv_file = {});

  Result<engine::SeenServices> observe() override;
  std::vector<Result<void>> apply(std::span<const engine::Step* const> steps) override;
  std::vector<std::pair<engine::ServiceKey, int>> watch() const override;

 private:
  struct Work;
  using Works = std::map<engine::ServiceKey, Work>;

  Instance& instance(const engine::ServiceKey& key);
  Works sort_out(std::span<const engine::Step* const> steps);
  void find_stubborn(Works& works);
  void try_replacements(Works& works);
  void try_together(std::span<Work* const> works);
  void stop(Works& works);
  Result<void> tell(Work& work);
  void start(Works& works);
  void start_together(std::span<Work* const> works);
  void bring_back(Work& work);
  Result<void> find_dnsmasq();
  void tidy(Works& works);

  std::string root_, program_name_;
  Program program_;
  std::map<engine::ServiceKey, Instance> instances_;
  bool observed_ = false;
};

}  // namespace novaplane::dhcp
