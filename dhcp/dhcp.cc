#include "dhcp/dhcp.h"

#include "dataplane/engine/host/presence.h"
#include "dhcp/config.h"
#include "dhcp/entries.h"

namespace novaplane::dhcp {
namespace {

using engine::Context;
using engine::Rows;

std::string host_entry(const cloud::Port& port) { return std::string(kHostPrefix) += port.name; }
std::string name_entry(const cloud::Port& port) { return std::string(kNamePrefix) += port.name; }

bool is_served(const Context& context, const cloud::Network& network) {
  return network.dhcp.enabled && network.cidr.address.is_v4() &&
         engine::host_address_on(context, network) && engine::present_on(context, network);
}

void compile_network(const Context& context, const cloud::Network& network, Rows& out) {
  if (!is_served(context, network) || !engine::answers_on(context, network)) return;
  const Served served{.network = network,
                      .host_address = *engine::host_address_on(context, network),
                      .host_address6 = engine::host_address6_on(context, network),
                      .router = engine::router_of(context, network),
                      .mtu = engine::mtu_of(context, network)};
  const auto serve = [&](engine::ServiceKey key, Result<std::string> config) {
    if (!config) return out.problems.push_back(std::move(config.error()));
    out.services.emplace_back(std::move(key), engine::Service{std::move(*config), network.bridge});
  };
  serve(service_of(network.name), config_text(served));
  if (served.host_address6) serve(service6_of(network.name), config6_text(served));
}

void add_entry(engine::ServiceKey service, std::string name, Result<std::string> line, Rows& out) {
  if (!line) return out.problems.push_back(std::move(line.error()));
  out.entries.emplace_back(engine::ServiceEntryKey{std::move(service), std::move(name)},
                           engine::ServiceEntry{std::move(*line)});
}

/// Names are answered by one program, leases of each family by their own.
void compile_port6(const Context& context, const cloud::Port& port, const cloud::Network& network,
                   Rows& out) {
  if (!port.address6 || !engine::host_address6_on(context, network)) return;
  if (engine::is_prepared(context, port)) {
    add_entry(service6_of(network.name), host_entry(port), host6_line(port, network.dhcp), out);
  }
  add_entry(service_of(network.name), name_entry(port) + "/ipv6",
            name_line(port, *port.address6, network.dhcp), out);
}

void compile_port(const Context& context, const cloud::Port& port, Rows& out) {
  const cloud::Network& network = context.cloud.networks.find(port.network)->second;
  if (!is_served(context, network)) return;
  const auto service = service_of(network.name);
  if (engine::is_prepared_to_serve(context, network, port)) {
    add_entry(service, host_entry(port), host_line(port, network.dhcp), out);
  }
  add_entry(service, name_entry(port), name_line(port, port.address, network.dhcp), out);
  compile_port6(context, port, network, out);
}

}  // namespace

void Dhcp::compile(const Context& context, const engine::Object& object, Rows& out) const {
  if (object.kind == engine::ObjectKind::network) {
    compile_network(context, context.cloud.networks.find(object.name)->second, out);
  } else if (object.kind == engine::ObjectKind::port) {
    compile_port(context, context.cloud.ports.find(object.name)->second, out);
  }
}

}  // namespace novaplane::dhcp
