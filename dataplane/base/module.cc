#include "dataplane/base/module.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace novaplane {

std::vector<std::string> places_of_module(const std::string& file) {
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  std::vector<std::string> places;
  if (!unknown) places.push_back((program.parent_path() / file).string());
  places.push_back(fmt::format("{}/{}", NOVAPLANE_MODULE_DIR, file));
  return places;
}

/// Nothing of a module can be taken away again: its libraries have threads and handlers of the end.
Result<void*> function_of_module(const std::string& file, const std::string& package,
                                 const char* function) {
  const auto places = places_of_module(file);
  const auto found = std::ranges::find_if(
      places, [](const std::string& place) { return ::access(place.c_str(), F_OK) == 0; });
  const std::string step = "load " + (found == places.end() ? places.back() : *found);
  if (found == places.end()) return failure(step, "it is not there: install package " + package);
  void* const module = ::dlopen(found->c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!module) return failure(step, fmt::format("{} (package {})", ::dlerror(), package));
  const auto version = reinterpret_cast<ModuleVersion>(::dlsym(module, kModuleVersion));
  void* const wanted = ::dlsym(module, function);
  if (!version || !wanted) return failure(step, "it is no module of novaplane");
  if (std::string_view(version()) == NOVAPLANE_VERSION) return wanted;
  return failure(step, fmt::format("it is of version {}, and this program of version {}: install "
                                   "package {} of this version",
                                   version(), NOVAPLANE_VERSION, package));
}

}  // namespace novaplane
