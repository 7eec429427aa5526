#include "dhcp/dhcp.h"

#include "dataplane/engine/presence.h"
#include "dhcp/config.h"

namespace novaplane::dhcp {
namespace {

using engine::Context;
using engine::Rows;

engine::ServiceKey service_of(const std::string& network) { return "dhcp/" + network; }

bool is_served(const Context& context, const cloud::Network& network) {
  return network.dhcp.enabled && network.cidr.address.is_v4() &&
         engine::host_address_on(context, network) && engine::present_on(context, network);
}

void compile_network(const Context& context, const cloud::Network& network, Rows& out) {
  if (!is_served(context, network)) return;
  auto config = config_text({.network = network,
                             .host_address = *engine::host_address_on(context, network),
                             .router = engine::router_of(context, network),
                             .mtu = engine::mtu_of(context, network)});
  if (!config) return out.problems.push_back(std::move(config.error()));
  out.services.emplace_back(service_of(network.name),
                            engine::Service{std::move(*config), network.bridge});
}

void add_entry(const cloud::Port& port, std::string_view kind, Result<std::string> line,
               Rows& out) {
  if (!line) return out.problems.push_back(std::move(line.error()));
  out.entries.emplace_back(
      engine::ServiceEntryKey{service_of(port.network), fmt::format("{} {}", kind, port.name)},
      engine::ServiceEntry{std::move(*line)});
}

void compile_port(const Context& context, const cloud::Port& port, Rows& out) {
  const cloud::Network& network = context.cloud.networks.find(port.network)->second;
  if (!is_served(context, network)) return;
  if (port.host == context.host.name) add_entry(port, "host", host_line(port), out);
  add_entry(port, "name", name_line(port, network.dhcp), out);
}

}  // namespace

void Dhcp::compile(const Context& context, const engine::Object& object, Rows& out) const {
  if (object.kind == engine::Kind::network) {
    compile_network(context, context.cloud.networks.find(object.name)->second, out);
  } else if (object.kind == engine::Kind::port) {
    compile_port(context, context.cloud.ports.find(object.name)->second, out);
  }
}

}  // namespace novaplane::dhcp
