#pragma once

#include <string>
#include <vector>

#include "dataplane/engine/service_driver.h"
#include "dataplane/engine/service_process.h"

namespace novaplane::metadata {

/// Runs novaplane-metadata(8): the service "metadata/proxy" and its entries. It outlives us. Its
/// files are in the folder `run_dir`/metadata:
///
///   proxy.conf        what it runs with; its command line names the file. A comment tells the
///                     secret's file from another one of the same name
///   guests            what it was told, read again on SIGHUP
///   proxy.refused     a later configuration, which it refused: the last line says why
///   proxy.unsettled   it was about to be told of something, and may not have been
class ProxyDriver : public engine::ServiceDriver {
 public:
  explicit ProxyDriver(const std::string& run_dir);

  Result<engine::SeenServices> observe() override;
  std::vector<Result<void>> apply(std::span<const engine::Step* const> steps) override;
  std::vector<std::pair<engine::ServiceKey, int>> watch() const override;

 private:
  std::string file(std::string_view name) const { return folder_ + '/' + std::string(name); }
  std::vector<std::string> arguments() const;
  engine::Service service() const;
  Result<void> run(const std::string& config);
  Result<void> try_out(const std::string& text) const;
  Result<void> call(std::vector<std::string> words) const;
  Result<void> stop();
  Result<void> tell(std::span<const engine::Step* const> steps);
  std::string told(std::span<const engine::Step* const> steps) const;

  std::string folder_;
  engine::ServiceProcess process_;
};

}  // namespace novaplane::metadata
