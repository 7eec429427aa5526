#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "dataplane/engine/service_driver.h"
#include "dataplane/engine/service_process.h"

namespace novaplane::hwgw {

/// keepalived or conntrackd, and its files in a folder:
///
///   keepalived.conf        what it runs with; its command line names the file
///   keepalived.refused     a later text, which it refused: the last line says why
///   keepalived.unsettled   it was about to be told of another text, and may not have been
class PairProgram {
 public:
  /// The last part of `key` is the name of the program and of its files. `reloads`: it takes
  /// another text without an end of its service (SIGHUP), and has a test of its own for one.
  /// `appears_within`: how long one that says it has started is looked for.
  PairProgram(engine::ServiceKey key, std::string folder, bool reloads,
              std::chrono::milliseconds appears_within);

  const engine::ServiceKey& key() const { return key_; }

  void forget() { process_.forget(); }
  void look() { process_.look(); }
  void consider(pid_t pid, const std::vector<std::string>& arguments) {
    process_.consider(pid, arguments);
  }

  bool runs() const { return process_.runs(); }
  const Process& process() const { return process_.process(); }
  /// What runs, as a row; anything but what we would run is one that equals no wanted one.
  engine::Service service() const;

  Result<void> run(const engine::Service& service);
  Result<void> stop();

 private:
  std::vector<std::string> arguments() const;
  std::string file(std::string_view ending) const;
  Result<void> try_out(const std::string& text) const;
  Result<void> ask(const std::string& configuration) const;
  Result<void> refuse(const std::string& text, const Error& why) const;
  Result<void> take_over(const std::string& text);
  Result<void> start();
  Result<void> find_started();

  engine::ServiceKey key_;
  std::string name_, folder_;
  bool reloads_;
  std::chrono::milliseconds appears_within_;
  engine::ServiceProcess process_;
};

/// Runs the programs of a pair of gateway hosts: services "failover/keepalived" and
/// "failover/conntrackd". They outlive us, and are found again by their command lines.
class PairPrograms : public engine::ServiceDriver {
 public:
  /// In a young network namespace conntrackd waits some seconds for the kernel.
  static constexpr std::chrono::milliseconds kAppearsWithin{20'000};

  /// Everything is kept below `run_dir`/failover.
  explicit PairPrograms(const std::string& run_dir,
                        std::chrono::milliseconds appears_within = kAppearsWithin);

  Result<engine::SeenServices> observe() override;
  std::vector<Result<void>> apply(std::span<const engine::Step* const> steps) override;
  std::vector<std::pair<engine::ServiceKey, int>> watch() const override;

 private:
  Result<void> apply(const engine::ServiceChange& change);

  std::string folder_;
  std::vector<PairProgram> programs_;
  bool observed_ = false;
};

}  // namespace novaplane::hwgw
