#pragma once

#include <memory>
#include <string>
#include <vector>

#include "dataplane/store/store.h"

/// A store whose client brings many libraries is a module: a shared object of its own, loaded when
/// its words are named and at no other time.
namespace novaplane::store {

/// What a module may ask of the program that loads it.
struct ModuleServices {
  /// Writes the snapshot into a new file that SqliteStore opens.
  Answer<void> (*write_database)(const std::string& path, const Snapshot& snapshot) = nullptr;
};

/// What a module exports, with C's names. It is looked at only after the version has been compared:
/// everything else may differ between two versions.
constexpr const char* kModuleVersionSymbol = "novaplane_module_version";
using ModuleVersion = const char* (*)();
constexpr const char* kModuleOpenSymbol = "novaplane_module_open";
/// `words`: behind the colon of the store's.
using ModuleOpen = void (*)(const std::string& words, const ModuleServices& services,
                            Answer<std::unique_ptr<Store>>& opened);

/// Where a module is looked for: beside the program itself, as in a build tree, then where packages
/// install it.
std::vector<std::string> places_of_module(const std::string& file);

/// Loads the first one that is there; it stays loaded. `package`: what an operator has to install.
Answer<std::unique_ptr<Store>> open_by_module(const std::vector<std::string>& places,
                                              const std::string& package, const std::string& words);

}  // namespace novaplane::store
