#include "hwgw/router_records.h"

#include <fmt/format.h>

#include <iterator>
#include <sstream>

#include "dataplane/base/files.h"

namespace novaplane::hwgw {

KnownRouters RouterRecords::read() const {
  KnownRouters routers;
  const auto text = read_whole(path_);
  std::istringstream lines(text ? *text : std::string());
  for (std::string address, mac, state; lines >> address >> mac >> state;) {
    const auto router = IpAddress::parse(address);
    if (router) routers[*router] = {Mac::parse(mac), state == "dead"};
  }
  return routers;
}

Result<void> RouterRecords::write(const KnownRouters& routers) const {
  if (routers.empty()) return remove_all(path_);
  std::string text;
  for (const auto& [address, facts] : routers) {
    fmt::format_to(std::back_inserter(text), "{} {} {}\n", address,
                   facts.mac ? facts.mac->to_string() : "-", facts.is_dead ? "dead" : "alive");
  }
  return write_whole(path_, text);
}

}  // namespace novaplane::hwgw
