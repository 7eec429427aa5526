#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/engine/rows.h"
#include "dataplane/netlink/messages.h"
#include "dataplane/netlink/socket.h"
#include "dataplane/nft/client.h"

namespace novaplane::node {

/// What is to be listed of the kernel. A value, as what it tells: whoever waits for the kernel
/// needs nothing of the engine, and may be another thread than the one that owns it.
struct ListRequest {
  std::uint64_t number = 0;  ///< the latest one counts
  bool nftables = false;
  bool rtnetlink = false;  ///< all of it
  bool routes = false;     ///< of it our routes, and proxies
  bool proxies = false;    ///< of it proxies
  /// Of it addresses: the kernel tells of a new one of IPv6 when a worker of its own has had its
  /// turn, late.
  bool addresses = false;
  /// What the kernel tells nobody of when it changes: some values of links, proxies, sysctls.
  bool silent = false;
  bool is_first = false;  ///< nothing can be planned without it
  std::vector<std::string> sysctls;

  bool lists_proxies() const { return routes || proxies || silent; }
  bool any() const { return nftables || rtnetlink || addresses || lists_proxies(); }
};

/// What the kernel told.
struct ListResult {
  ListRequest request;
  std::optional<nft::Observed> nftables;
  std::vector<netlink::Observation> told;
  std::vector<std::pair<std::string, std::string>> sysctls;
};

/// Asks the kernel, and waits for it. For one thread at a time; belongs to the network namespace in
/// which it was opened.
class Lister {
 public:
  static Result<Lister> open(nft::SharedRuleset ruleset);

  Result<ListResult> list(ListRequest request);
  /// What is known of a few links: their own messages, and their addresses. Those that are not
  /// there have none.
  Result<std::vector<netlink::Observation>> list_links(const std::vector<std::string>& links);
  Result<std::uint32_t> generation() { return nftables_.ask_generation(); }  ///< of nf_tables

 private:
  Lister(netlink::Socket netlink, nft::Client nftables)
      : netlink_(std::move(netlink)), nftables_(std::move(nftables)) {}
  Result<void> list(netlink::Listing what, ListResult& seen);
  Result<void> list_rtnetlink(ListResult& seen);

  netlink::Socket netlink_;
  nft::Client nftables_;
};

}  // namespace novaplane::node
