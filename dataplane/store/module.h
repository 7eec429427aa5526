#pragma once

#include <memory>
#include <string>

#include "dataplane/store/store.h"

/// A store whose client brings many libraries is in a module (base/module.h), which is loaded when
/// its words are named and at no other time.
namespace novaplane::store {

/// What a module may ask of the program that loads it.
struct ModuleServices {
  /// Writes the snapshot into a new file that SqliteStore opens.
  Answer<void> (*write_database)(const std::string& path, const Snapshot& snapshot) = nullptr;
};

/// What a module exports, with C's name.
constexpr const char* kOpenStore = "novaplane_open_store";
/// `words`: behind the colon of the store's.
using OpenStore = void (*)(const std::string& words, const ModuleServices& services,
                           Answer<std::unique_ptr<Store>>& opened);

/// `package`: what an operator has to install where the file is missing.
Answer<std::unique_ptr<Store>> open_by_module(const std::string& file, const std::string& package,
                                              const std::string& words);

}  // namespace novaplane::store
