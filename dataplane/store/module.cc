#include "dataplane/store/module.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "dataplane/store/database_file.h"

namespace novaplane::store {
namespace {

tl::unexpected<Failure> refuse(std::string words) {
  return tl::unexpected(Failure{Trouble::refused, std::move(words)});
}

/// Nothing of a module can be taken away again: its libraries have threads.
Answer<void*> load(const std::string& file, const std::string& package) {
  void* const module = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (module == nullptr) {
    return refuse(fmt::format("cannot be loaded: {} (package {})", ::dlerror(), package));
  }
  const auto version =
      reinterpret_cast<ModuleVersion>(::dlsym(module, kModuleVersionSymbol));  // dlopen(3)
  if (version == nullptr) return refuse(fmt::format("{} is no module of novaplane", file));
  if (std::string_view(version()) == NOVAPLANE_VERSION) return module;
  return refuse(
      fmt::format("{} is of version {}, and this program of version {}: install package "
                  "{} of this version",
                  file, version(), NOVAPLANE_VERSION, package));
}

}  // namespace

std::vector<std::string> places_of_module(const std::string& file) {
  std::error_code unknown;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", unknown);
  std::vector<std::string> places;
  if (!unknown) places.push_back((program.parent_path() / file).string());
  places.push_back(fmt::format("{}/{}", NOVAPLANE_MODULE_DIR, file));
  return places;
}

Answer<std::unique_ptr<Store>> open_by_module(const std::vector<std::string>& places,
                                              const std::string& package,
                                              const std::string& words) {
  const auto found = std::ranges::find_if(
      places, [](const std::string& place) { return ::access(place.c_str(), F_OK) == 0; });
  if (found == places.end()) {
    return refuse(fmt::format("{} is not there: install package {}", places.back(), package));
  }
  const auto module = load(*found, package);
  if (!module) return tl::unexpected(module.error());
  const auto open = reinterpret_cast<ModuleOpen>(::dlsym(*module, kModuleOpenSymbol));
  if (open == nullptr) return refuse(fmt::format("{} is no module of novaplane", *found));
  Answer<std::unique_ptr<Store>> opened;
  open(words, {write_database}, opened);
  return opened;
}

}  // namespace novaplane::store
