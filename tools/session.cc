#include "tools/session.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "dataplane/base/words.h"
#include "dataplane/node/spoiled_files.h"
#include "tools/document.h"

namespace novaplane::tools {

/// capget(2), which has no wrapper in the C library.
bool may_administer_networks() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return true;  // then the kernel will say
  return (data[CAP_TO_INDEX(CAP_NET_ADMIN)].effective & CAP_TO_MASK(CAP_NET_ADMIN)) != 0;
}

Result<void> require_root(const Options& options) {
  if (may_administer_networks()) return {};
  return failure(fmt::format(
      "{} needs root (CAP_NET_ADMIN), since it looks into this host's network: try sudo "
      "novaplane {}",
      options.command, fmt::join(options.words, " ")));
}

Result<Session> Session::open(const Options& options) {
  if (auto root = require_root(options); !root) return tl::unexpected(root.error());
  auto node = node::Node::open(host_of(options), options.run_dir);
  if (!node) return tl::unexpected(node.error());
  return Session{std::move(*node), node::Services(options.run_dir)};
}

Result<void> Session::observe() {
  if (auto seen = node->observe(); !seen) return seen;
  const auto services_seen = services.observe();
  if (!services_seen) return tl::unexpected(services_seen.error());
  engine().on_services(*services_seen);
  return {};
}

Result<WriterSession> WriterSession::open(const Options& options) {
  auto session = Session::open(options);
  if (!session) return tl::unexpected(session.error());
  for (const std::string& sentence : node::spoiled_files(options.run_dir)) {
    complain("warning: " + sentence);
  }
  auto executor = engine::Executor::open(options.run_dir);
  if (!executor) return tl::unexpected(executor.error());
  return WriterSession{std::move(*session), std::move(*executor)};
}

engine::Executor::Progress shown_in(ProgressLine& line) {
  return [&line](engine::Phase phase, std::size_t steps) {
    line.show(fmt::format("{}: {}", to_string(phase), count(steps, "step")));
  };
}

}  // namespace novaplane::tools
