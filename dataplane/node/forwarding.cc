#include "dataplane/node/forwarding.h"

#include <fmt/format.h>

#include "dataplane/engine/host/originals.h"
#include "dataplane/netlink/sysctl.h"

namespace novaplane::node {

using engine::ForwardedBy;

std::string_view forwarding_sysctl(bool ipv6) {
  return ipv6 ? "net/ipv6/conf/all/forwarding" : "net/ipv4/ip_forward";
}

ForwardedBy forwarding_of(const std::string& run_dir, bool ipv6, bool holds_tables,
                          bool is_in_transit) {
  const std::string_view sysctl = forwarding_sysctl(ipv6);
  if (const auto originals = engine::Originals::open(run_dir)) {
    const auto known = originals->find(fmt::format("sysctl:{}", sysctl));
    if (known) return known->found == "0" ? ForwardedBy::us : ForwardedBy::others;
  }
  if (netlink::read_sysctl(sysctl).value_or("0") == "0") return ForwardedBy::nobody;
  return holds_tables && !is_in_transit ? ForwardedBy::us : ForwardedBy::others;
}

}  // namespace novaplane::node
