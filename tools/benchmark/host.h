#pragma once

#include <memory>
#include <string>

#include "dataplane/cloud/cloud.h"
#include "dataplane/engine/executor.h"
#include "dataplane/node/node.h"
#include "tools/benchmark/site.h"

namespace novaplane::bench {

constexpr std::string_view kHostName = "compute1";

/// A document as text, read; it is valid.
cloud::Cloud read_document(const std::string& text);

/// novaplane's own engine at a site, with all its sockets. Programs (dnsmasq) are not started:
/// their steps count as done.
class Host {
 public:
  explicit Host(const Site& site);

  engine::Engine& engine() { return node_->engine(); }

  /// Everything that the kernel knows, then the document.
  void load(cloud::Cloud cloud);
  /// Passes until nothing is left to do.
  void converge();
  /// What is pending, done and heard of. False: nothing was.
  bool pass();
  /// What others have done meanwhile.
  void process_events() { (void)node_->process_events(); }
  /// Of what is left to do, in words; empty: nothing.
  std::string first_step();
  bool is_silent() { return first_step().empty(); }

 private:
  std::unique_ptr<node::Node> node_;
  std::unique_ptr<engine::Executor> executor_;
};

}  // namespace novaplane::bench
