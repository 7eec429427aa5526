#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/rows.h"
#include "dataplane/netlink/socket.h"

namespace novaplane::node {

/// What has changed without an event.
struct Changed {
  std::vector<int> links;  ///< their numbers
  bool proxies = false, sysctls = false;

  bool any() const { return !links.empty() || proxies || sysctls; }
  void add(const Changed& other);
};

/// Notices changes that the kernel tells nobody of: it looks, and compares a digest with that of
/// the look before. Whoever decides asks for what is different by itself. For one thread; the
/// kernel is that of the network namespace in which it was opened.
class SilentValues {
 public:
  static Result<SilentValues> open();

  /// `sysctls`: those that are wanted. The first look finds nothing changed. What cannot be read
  /// counts as it was.
  Changed look(const std::vector<std::string>& sysctls);

 private:
  explicit SilentValues(netlink::Socket socket) : socket_(std::move(socket)) {}
  void look_at_links(Changed& changed);
  void look_at_proxies(Changed& changed);
  void look_at_sysctls(const std::vector<std::string>& keys, Changed& changed);

  netlink::Socket socket_;
  std::unordered_map<int, std::size_t> links_;           ///< by number
  std::unordered_map<std::string, std::string> values_;  ///< of sysctls
  std::optional<std::size_t> proxies_;
};

}  // namespace novaplane::node
