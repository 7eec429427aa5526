#include "hwgw/router/router_records.h"

#include <fmt/format.h>

#include <iterator>
#include <sstream>

#include "dataplane/base/files.h"

namespace novaplane::hwgw {

KnownRouters RouterRecords::read(std::vector<std::string>* spoiled) const {
  KnownRouters routers;
  const auto text = read_whole(path_);
  std::istringstream lines(text ? *text : std::string());
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    std::istringstream words(line);
    std::string address, mac, state;
    words >> address >> mac >> state;
    const auto router = IpAddress::parse(address);
    const auto known = Mac::parse(mac);
    if (router && (known || mac == "-") && (state == "dead" || state == "alive")) {
      routers[*router] = {known, state == "dead"};
    } else if (spoiled) {
      spoiled->push_back(fmt::format("{}, line {}: not a router", path_, number));
    }
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
