#include "metadata/metadata.h"

#include "dataplane/engine/host/metadata.h"
#include "dataplane/engine/host/presence.h"
#include "metadata/guests.h"
#include "metadata/settings.h"

namespace novaplane::metadata {

const engine::ServiceKey kProxy = "metadata/proxy";

namespace {

using engine::Context;
using engine::Rows;

bool has_proxy(const Context& context) {
  return context.host.metadata && context.host.metadata->headers;
}

void compile_host(const Context& context, Rows& out) {
  if (!has_proxy(context)) return;
  const cloud::Metadata& metadata = *context.host.metadata;
  const Settings settings{engine::kMetadataProxy, metadata.address, metadata.secret_file};
  out.services.emplace_back(kProxy, engine::Service{text_of(settings), {}});
}

void compile_port(const Context& context, const cloud::Port& port, Rows& out) {
  if (!has_proxy(context)) return;
  const cloud::Network& network = context.cloud.networks.find(port.network)->second;
  if (!engine::is_prepared_to_serve(context, network, port)) return;
  Guest guest{port.address, port.name, {}, {}};
  if (port.instance) guest.instance = port.instance->id, guest.project = port.instance->project;
  out.entries.emplace_back(engine::ServiceEntryKey{kProxy, "guest " + port.name},
                           engine::ServiceEntry{line_of(guest)});
}

}  // namespace

void Metadata::compile(const Context& context, const engine::Object& object, Rows& out) const {
  if (object.kind == engine::ObjectKind::host) {
    compile_host(context, out);
  } else if (object.kind == engine::ObjectKind::port) {
    compile_port(context, context.cloud.ports.find(object.name)->second, out);
  }
}

}  // namespace novaplane::metadata
