#include "dataplane/tls/module/connection.h"
#include "dataplane/tls/module/listener.h"

/// What the program that loads the module looks for (base/module.h).
namespace novaplane::tls {
namespace {

class OpenSsl : public Module {
 public:
  Result<std::unique_ptr<Listener>> listen(std::vector<Fd> sockets, Files files,
                                           Listener::Events events) override {
    return std::make_unique<TlsListener>(std::move(sockets), std::move(files), std::move(events));
  }
  Result<std::unique_ptr<Connection>> connect(const Server& server) override {
    return TlsConnection::to(server);
  }
};

}  // namespace
}  // namespace novaplane::tls

extern "C" {

[[gnu::visibility("default")]] const char* novaplane_module_version() { return NOVAPLANE_VERSION; }

[[gnu::visibility("default")]] novaplane::tls::Module* novaplane_tls() {
  static novaplane::tls::OpenSsl module;
  return &module;
}
}
