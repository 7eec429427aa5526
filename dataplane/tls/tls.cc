#include "dataplane/tls/tls.h"

#include "dataplane/base/module.h"

namespace novaplane::tls {

Result<Module*> module() {
  const auto function = function_of_module("novaplane-tls.so", "novaplane", "novaplane_tls");
  if (!function) return tl::unexpected(function.error());
  return reinterpret_cast<Module* (*)()>(*function)();
}

}  // namespace novaplane::tls
