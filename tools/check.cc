#include <fmt/format.h>

#include <map>

#include "dataplane/base/printable.h"
#include "tools/command.h"
#include "tools/document.h"
#include "tools/json.h"
#include "tools/terminal.h"

namespace novaplane::tools {
namespace {

std::string contents_of(const cloud::Cloud& cloud) {
  std::vector<std::string> parts{
      count(cloud.hosts.size(), "host"), count(cloud.networks.size(), "network"),
      count(cloud.ports.size(), "port"), count(cloud.floating_ips.size(), "floating IP")};
  if (!cloud.port_forwards.empty()) {
    parts.push_back(count(cloud.port_forwards.size(), "port forward"));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// A port without a host, whose public address no host serves. With gateway_mode failover the
/// gateway host of all guests translates, wherever the address is. Null: somebody serves it.
const cloud::Port* unserved(const cloud::Cloud& cloud, const std::string& name) {
  const auto port = cloud.ports.find(name);
  if (port == cloud.ports.end() || !port->second.host.empty()) return nullptr;
  const auto network = cloud.networks.find(port->second.network);
  const bool moves = network != cloud.networks.end() &&
                     network->second.gateway_mode == cloud::GatewayMode::failover;
  return moves ? nullptr : &port->second;
}

cloud::Mistake without_host(const std::string& file, const std::string& path,
                            const cloud::Port& port) {
  return {file, 0, 0, "no-host",
          fmt::format("{}: port {} has no host, so no host serves this address: name the host that "
                      "{} is on, and name another when it moves. An address that guests pass to "
                      "one another by themselves (VRRP) needs gateway_mode failover on network {}",
                      path, port.name, port.address, port.network)};
}

/// What is valid, since ports come before their hosts are known, and serves nobody. A host that
/// runs goes on with such a document.
std::vector<cloud::Mistake> find_unserved(const std::string& file, const cloud::Cloud& cloud) {
  std::map<IpAddress, std::string> floating;
  for (const auto& [address, ip] : cloud.floating_ips) floating.emplace(address, ip.port);
  std::vector<cloud::Mistake> found;
  for (const auto& [address, name] : floating) {
    const cloud::Port* port = unserved(cloud, name);
    if (port)
      found.push_back(without_host(file, fmt::format("floating_ips.{}.port", address), *port));
  }
  for (const auto& [name, forward] : cloud.port_forwards) {
    const cloud::Port* port = unserved(cloud, forward.to_port);
    if (port)
      found.push_back(without_host(file, fmt::format("port_forwards.{}.to_port", name), *port));
  }
  return found;
}

int tell(const std::vector<cloud::Mistake>& mistakes, bool json) {
  if (json) print(to_json(mistakes));
  for (const cloud::Mistake& mistake : mistakes) {
    if (!json) fmt::print(stderr, "{}\n", printable(mistake.message()));
  }
  return kFailed;
}

}  // namespace

int check(const Options& options) {
  const std::string& file = options.arguments.front();
  const auto cloud = read_document(file);
  if (!cloud) return tell(cloud.error(), options.json);
  if (const auto mistakes = find_unserved(file, *cloud); !mistakes.empty()) {
    return tell(mistakes, options.json);
  }
  if (!options.host.empty()) {
    if (const auto missing = missing_host(*cloud, options.host, options); !missing.empty()) {
      complain(missing);
      return kFailed;
    }
  }
  print(options.json ? to_json(*cloud) : fmt::format("{}: ok: {}\n", file, contents_of(*cloud)));
  return kDone;
}

}  // namespace novaplane::tools
