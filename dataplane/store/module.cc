#include "dataplane/store/module.h"

#include "dataplane/base/module.h"
#include "dataplane/store/database_file.h"

namespace novaplane::store {

Answer<std::unique_ptr<Store>> open_by_module(const std::string& file, const std::string& package,
                                              const std::string& words) {
  const auto function = function_of_module(file, package, kOpenStore);
  if (!function) return tl::unexpected(Failure{Trouble::refused, function.error().message()});
  Answer<std::unique_ptr<Store>> opened;
  reinterpret_cast<OpenStore> (*function)(words, {write_database}, opened);  // dlsym(3)
  return opened;
}

}  // namespace novaplane::store
